#include "lacos/train/run/tensorboard_log.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <chrono>
#include <filesystem>
#include <utility>

#include "lacos/base/error.h"

namespace lacos {
namespace {

void AppendLittleEndian(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

// A serialized protocol buffer message. Its fields are written in the order of the calls.
class Message {
 public:
  Message& Varint(int field, uint64_t value) {
    Tag(field, 0);
    AppendVarint(value);
    return *this;
  }
  Message& Double(int field, double value) {
    Tag(field, 1);
    AppendLittleEndian(std::bit_cast<uint64_t>(value), 8, bytes_);
    return *this;
  }
  Message& Float(int field, float value) {
    Tag(field, 5);
    AppendLittleEndian(std::bit_cast<uint32_t>(value), 4, bytes_);
    return *this;
  }
  // Adds a string or a nested message.
  Message& Bytes(int field, std::string_view value) {
    Tag(field, 2);
    AppendVarint(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Tag(int field, int wire_type) {
    AppendVarint(static_cast<uint64_t>(field << 3 | wire_type));
  }
  void AppendVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

double UnixSeconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// An event with the current time and `step`. The field numbers here and in ScalarsEvent are those
// of tensorboard/compat/proto/event.proto and summary.proto.
Message Event(int64_t step) {
  Message event;
  event.Double(1, UnixSeconds());
  if (step != 0) event.Varint(2, static_cast<uint64_t>(step));
  return event;
}

std::string ScalarsEvent(int64_t step, const std::vector<std::pair<const char*, double>>& scalars) {
  Message summary;
  for (const auto& [tag, value] : scalars) {
    summary.Bytes(1, Message().Bytes(1, tag).Float(2, static_cast<float>(value)).bytes());
  }
  return Event(step).Bytes(5, summary.bytes()).bytes();
}

// An event with Markdown that TensorBoard's text plugin shows. The field numbers are
// those of summary.proto (Value, SummaryMetadata) and tensor.proto; type 7 is DT_STRING,
// class 2 is DATA_CLASS_TENSOR.
std::string TextEvent(std::string_view tag, std::string_view markdown) {
  const std::string plugin = Message().Bytes(1, "text").bytes();
  const std::string metadata = Message().Bytes(1, plugin).Varint(4, 2).bytes();
  const std::string tensor = Message().Varint(1, 7).Bytes(2, "").Bytes(8, markdown).bytes();
  const std::string value = Message().Bytes(1, tag).Bytes(8, tensor).Bytes(9, metadata).bytes();
  return Event(0).Bytes(5, Message().Bytes(1, value).bytes()).bytes();
}

// Escapes `text` for a cell of a Markdown table.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' || c == '\r' ? ' ' : c;
  }
  return cell;
}

std::string SettingsTable(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::string table = "| setting | value |\n|---|---|\n";
  for (const auto& [name, value] : settings)
    table += fmt::format("| {} | {} |\n", Cell(name), Cell(value));
  return table;
}

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}

// The checksum in the form that TFRecord stores: rotated and with a constant added. Computing a CRC
// of data that contains its own CRC would give a weak checksum.
uint32_t MaskedCrc(std::string_view bytes) { return std::rotr(Crc32c(bytes), 15) + 0xA282EAD8u; }

}  // namespace

uint32_t Crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeCrcTable();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes)
    crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

std::string TfRecord(std::string_view data) {
  std::string record;
  AppendLittleEndian(data.size(), 8, record);
  AppendLittleEndian(MaskedCrc(record), 4, record);
  record += data;
  AppendLittleEndian(MaskedCrc(data), 4, record);
  return record;
}

void TensorboardLog::OnStart(const TrainingData&, const MemoryPlan&, int64_t first_step, int64_t) {
  // TensorBoard reads files in the order of their names. If there is already a file of this second,
  // the new file's name gets a number at its end.
  const auto path = [&, seconds = static_cast<int64_t>(UnixSeconds())](int number) {
    const std::string name = fmt::format("events.out.tfevents.{}.lacos{}", seconds,
                                         number == 0 ? "" : fmt::format(".{}", number));
    return (std::filesystem::path(folder_) / name).string();
  };
  int number = 0;
  while (std::filesystem::exists(path(number))) ++number;
  path_ = path(number);
  file_.open(path_, std::ios::binary);
  WriteEvent(Event(0).Bytes(3, "brain.Event:2").bytes());
  // SessionLog START voids what earlier files hold at this step and later. The event of the
  // checkpoint's own step stays valid, so a resumed run voids from the following step. A run that
  // starts at step 0 measures that step again.
  const int64_t void_from = first_step == 0 ? 0 : first_step + 1;
  WriteEvent(Event(void_from).Bytes(7, Message().Varint(1, 1).bytes()).bytes());
  if (first_step == 0 && !settings_.empty())
    WriteEvent(TextEvent("settings", SettingsTable(settings_)));
}

void TensorboardLog::WriteEvent(const std::string& event) {
  file_ << TfRecord(event) << std::flush;
  if (!file_) {
    throw UserError(fmt::format(
        "[{}] could not write; expected a writable output with free space; free space, then run "
        "again with `resume`",
        path_));
  }
}

void TensorboardLog::OnStep(const StepRecord& record) {
  std::vector<std::pair<const char*, double>> scalars = {
      {"train/loss", record.loss},
      {"train/learning_rate", record.learning_rate},
      {"train/gradient_norm", record.gradient_norm},
      {"train/clipped", record.clipped ? 1 : 0},
      {"train/bad", record.bad ? 1 : 0},
      {"train/tokens", static_cast<double>(record.tokens)},
      {"train/texts", static_cast<double>(record.texts)},
      {"train/truncated", static_cast<double>(record.truncated)},
      {"train/tokens_per_second", record.tokens_per_second},
      {"train/rss_bytes", static_cast<double>(record.rss_bytes)},
      {"train/peak_rss_bytes", static_cast<double>(record.peak_rss_bytes)}};
  if (record.accuracy >= 0) scalars.emplace_back("train/accuracy", record.accuracy);
  WriteEvent(ScalarsEvent(record.step, scalars));
}

void TensorboardLog::OnEvaluation(const EvaluationRecord& record) {
  WriteEvent(ScalarsEvent(record.step,
                          {{"dev/spearman", record.spearman}, {"dev/pearson", record.pearson}}));
}

}  // namespace lacos
