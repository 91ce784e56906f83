// Makes system calls fail, to test errors that cannot be caused on a healthy disk. The kernel
// refuses the calls (seccomp) and this cannot be undone, so use these functions in the child
// process of an EXPECT_EXIT.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "lacos/base/error.h"

namespace lacos {

struct FailingCall {
  long number;    // a SYS_... constant
  int error = 0;  // errno that the call sets
  // If `mask` is not 0, only those calls fail for which the low 32 bits of the argument with number
  // `argument` have `value` under the mask.
  int argument = 0;
  uint32_t mask = 0, value = 0;
};

// The system call of std::rename, which depends on the architecture.
#ifdef SYS_rename
constexpr long kRenameCall = SYS_rename;
#else
constexpr long kRenameCall = SYS_renameat;
#endif

// Ends the process with status 77 if the kernel has no such filters.
inline void FailCalls(const std::vector<FailingCall>& calls) {
  std::vector<sock_filter> program;
  const auto load = [&](size_t offset) {
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  };
  for (const FailingCall& call : calls) {
    const bool any = call.mask == 0;
    load(offsetof(seccomp_data, nr));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call.number), 0,
                               static_cast<uint8_t>(any ? 1 : 4)));
    if (!any) {
      load(offsetof(seccomp_data, args) + static_cast<size_t>(call.argument) * sizeof(uint64_t));
      program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, call.mask));
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.value, 0, 1));
    }
    program.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(call.error)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<uint16_t>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    std::exit(77);
}

// Runs `f` while `calls` fail. Then ends the process with status 0 and writes f's error (or "no
// error") to stderr.
template <class F>
[[noreturn]] void EndWithError(const std::vector<FailingCall>& calls, F&& f) {
  FailCalls(calls);
  try {
    f();
    std::cerr << "no error" << std::endl;
  } catch (const UserError& error) {
    std::cerr << error.what() << std::endl;
  }
  std::exit(0);
}

}  // namespace lacos
