// Errors of the operating system are reported in helpful words.
#include "lacos/io/posix.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(SystemError, SaysWhatToDoForEachReason) {
  for (const auto& [error, advice] :
       std::vector<std::pair<int, std::string>>{{ENOENT, "expected an existing file"},
                                                {ENOTDIR, "expected folders all along the path"},
                                                {EACCES, "expected permission"},
                                                {EPERM, "expected permission"},
                                                {ENOSPC, "expected free space"},
                                                {EDQUOT, "expected free space"},
                                                {EROFS, "expected a writable file system"},
                                                {EISDIR, "expected a file"},
                                                {EMFILE, "ulimit -n"},
                                                {ENFILE, "ulimit -n"},
                                                {EFBIG, "ulimit -f"},
                                                {EIO, "expected a healthy file system"}}) {
    const std::string message = ErrorOf([number = error] {
      errno = number;
      ThrowSystemError("a/b", "write");
    });
    EXPECT_THAT(message, AllOf(StartsWith("[a/b] could not write: "), HasSubstr(advice)))
        << message;
  }
}

TEST(Posix, OnlyRegularFilesAreOpened) {
  const TestFolder folder;
  const std::string path = folder.Write("file", "twelve bytes");
  EXPECT_THAT(ErrorOf([&] { OpenForReading(folder / "none"); }),
              HasSubstr("could not open: No such file"));
  EXPECT_THAT(ErrorOf([&] { OpenForReading(path + "/below"); }), HasSubstr("folders all along"));
  EXPECT_THAT(ErrorOf([&] { OpenRegularFile(folder / "none"); }),
              HasSubstr("could not open: No such file"));
  EXPECT_THAT(ErrorOf([&] { OpenRegularFile(folder.path()); }), HasSubstr("found a folder"));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf([&] { OpenRegularFile(folder / "pipe"); }),
              HasSubstr("found a pipe or device"));
  EXPECT_EQ(RegularFileSize(OpenRegularFile(path).get(), "file"), 12);
  EXPECT_THAT(ErrorOf([] { RegularFileSize(-1, "closed"); }), HasSubstr("could not stat"));
}

TEST(Posix, ReadsAndWritesAllOrSayWhereTheyEnded) {
  const TestFolder folder;
  const std::string path = folder.Write("file", "twelve bytes");
  const FileDescriptor file(OpenFile(path, O_RDWR));
  std::vector<std::byte> bytes(8);
  PreadFully(file.get(), 4, bytes, "file");
  EXPECT_EQ(static_cast<char>(bytes[0]), 'v');
  EXPECT_THAT(ErrorOf([&] { PreadFully(file.get(), 6, bytes, "file"); }),
              HasSubstr("ended at byte 12, 2 bytes early"));
  EXPECT_THAT(ErrorOf([&] { PreadFully(-1, 0, bytes, "file"); }), HasSubstr("could not read"));
  PwriteFully(file.get(), 10, bytes, "file");
  EXPECT_EQ(RegularFileSize(file.get(), "file"), 18);
  const FileDescriptor reading(OpenFile(path, O_RDONLY));
  EXPECT_THAT(ErrorOf([&] { PwriteFully(reading.get(), 0, bytes, "file"); }),
              HasSubstr("could not write"));
}

TEST(Posix, SyncsWhatCanBeSynced) {
  const TestFolder folder;
  const std::string path = folder.Write("file", "twelve bytes");
  FileDescriptor file(OpenFile(path, O_RDWR));
  SyncAndClose(file, "file");
  EXPECT_LT(file.get(), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  FileDescriptor pipe_end(ends[1]);
  EXPECT_NO_THROW(SyncAndClose(pipe_end, "pipe"));
  close(ends[0]);
  FileDescriptor closed(-1);
  EXPECT_THAT(ErrorOf([&] { SyncAndClose(closed, "closed"); }), HasSubstr("could not write"));
}

TEST(Posix, ALockIsOursTakenOrUnknown) {
  const TestFolder folder;
  const std::string path = folder.Write("file", "twelve bytes");
  const FileDescriptor first(OpenFile(path, O_RDWR)), second(OpenFile(path, O_RDWR));
  EXPECT_EQ(LockFile(first.get()), FileLock::kOurs);
  EXPECT_EQ(LockFile(second.get()), FileLock::kTaken);
  EXPECT_EQ(LockFile(-1), FileLock::kUnknown);
}

}  // namespace
}  // namespace lacos
