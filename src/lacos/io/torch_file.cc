#include "lacos/io/torch_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/io/pickle.h"
#include "lacos/io/utf8.h"
#include "lacos/io/zip_directory.h"

namespace lacos {
namespace {

using Kind = PickleValue::Kind;

// BLOOM-176B needs 100 kB. The limit keeps hostile files from filling the memory.
constexpr size_t kMaxPickleBytes = size_t{32} << 20;
// the magic number that torch.save wrote before version 1.6
constexpr std::string_view kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

constexpr std::string_view kUntyped = "torch.storage.UntypedStorage";
constexpr std::string_view kRebuild[] = {"torch._utils._rebuild_tensor",
                                         "torch._utils._rebuild_tensor_v2",
                                         "torch._utils._rebuild_tensor_v3"};
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kParameterWithState = "torch._utils._rebuild_parameter_with_state";
constexpr std::string_view kSize = "torch.Size";

std::span<const std::string_view> AllowedObjects() {
  static const std::vector<std::string_view> objects = [] {
    std::vector<std::string_view> list = {"collections.OrderedDict", kUntyped, kParameter,
                                          kParameterWithState, kSize};
    list.insert(list.end(), std::begin(kRebuild), std::end(kRebuild));
    for (const DTypeNames& names : kDTypeNames) {
      if (!names.torch.empty()) list.insert(list.end(), {names.storage, names.torch});
    }
    return list;
  }();
  return objects;
}

// The type for which the value names the class of storage, or the torch.dtype.
std::optional<DType> FindType(std::string_view DTypeNames::*member, const PickleValue& value) {
  if (value.kind != Kind::kGlobal) return std::nullopt;
  const DTypeNames* names = kDTypeNames.Find(value.name, member);
  return names != nullptr ? std::optional(names->value) : std::nullopt;
}

// A tensor's description of the storage that it is a view of.
struct StorageUse {
  std::string_view key;
  int64_t elements = 0;
  std::optional<DType> dtype;  // absent for a storage of bytes
  int64_t bytes = 0;
};

struct RawTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  int64_t storage_offset = 0;  // in elements
  int64_t bytes = 0;
  StorageUse storage;
};

// Turns the values of a state dict into tensors, and checks them.
class StateDict {
 public:
  StateDict(const std::string& path, const PickleValue& root) : path_(path) {
    if (root.kind != Kind::kDict) {
      Fail(fmt::format("holds {}", root.kind == Kind::kCall ? "a single tensor" : Describe(root)));
    }
    std::set<std::string_view> names;
    for (size_t i = 0; i < root.items.size(); i += 2) {
      const PickleValue &key = *root.items[i], &value = *root.items[i + 1];
      if (!key.IsString()) Fail(fmt::format("has {} as a key", Describe(key)));
      if (!IsValidUtf8(key.text)) Fail("has a key that is no text");
      if (!names.insert(key.text).second) Fail(fmt::format("has '{}' twice", Printable(key.text)));
      name_ = key.text;
      if (value.IsString()) {
        if (!IsValidUtf8(value.text)) Fail("has an entry that is no text");
        texts[std::string(key.text)] = value.text;
      } else if (value.kind == Kind::kCall) {
        tensors.push_back(ReadTensor(value));
      } else {
        Fail(fmt::format("has {} under '{}'", Describe(value), Printable(name_)));
      }
    }
  }

  std::vector<RawTensor> tensors;
  std::map<std::string, std::string> texts;

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw UserError(
        fmt::format("[{}] {}; expected one flat dictionary from names to tensors; save "
                    "model.state_dict() itself, or use safetensors",
                    path_, what));
  }
  [[noreturn]] void FailTensor(const std::string& what) const {
    throw UserError(
        fmt::format("[{}: {}] {}; expected a dense tensor as torch.save writes it; save the model "
                    "again, best as safetensors",
                    path_, Printable(name_), what));
  }

  int64_t Size(const PickleValue& value, const char* what) const {
    if (value.kind != Kind::kInt || value.number < 0)
      FailTensor(fmt::format("has {} as {}", Describe(value), what));
    return value.number;
  }

  std::vector<int64_t> Sizes(const PickleValue* value, const char* what) const {
    if (value->IsCall(kSize) && value->items[0]->items.size() == 1)
      value = value->items[0]->items[0];
    if (value->kind != Kind::kTuple)
      FailTensor(fmt::format("has {} as its {}s", Describe(*value), what));
    if (value->items.size() > 64) FailTensor(fmt::format("has {} dimensions", value->items.size()));
    std::vector<int64_t> sizes;
    for (const PickleValue* item : value->items) sizes.push_back(Size(*item, what));
    return sizes;
  }

  const std::vector<const PickleValue*>& Arguments(const PickleValue& call, size_t least,
                                                   size_t most) const {
    const auto& arguments = call.items[0]->items;
    if (arguments.size() < least || arguments.size() > most) {
      FailTensor(fmt::format("gives '{}' {} arguments", call.name, arguments.size()));
    }
    return arguments;
  }

  // Reads ('storage', type, key, device, elements); the older form also has the place of a view in
  // its storage.
  StorageUse ReadStorage(const PickleValue& value) const {
    if (value.kind != Kind::kPersistent || value.items[0]->kind != Kind::kTuple) {
      FailTensor(fmt::format("has {} as its storage", Describe(value)));
    }
    const auto& id = value.items[0]->items;
    if (id.size() < 5 || id.size() > 6 || !id[0]->IsString() || id[0]->text != "storage" ||
        !id[2]->IsString()) {
      FailTensor("names its storage in an unknown form");
    }
    if (id.size() == 6 && id[5]->kind != Kind::kNone)
      FailTensor("lies in a view of another storage");
    StorageUse use{.key = id[2]->text,
                   .elements = Size(*id[4], "the size of its storage"),
                   .dtype = FindType(&DTypeNames::storage, *id[1])};
    if (!use.dtype && !(id[1]->kind == Kind::kGlobal && id[1]->name == kUntyped)) {
      FailTensor(fmt::format("has {} as the type of its storage", Describe(*id[1])));
    }
    const auto bytes =
        CheckedMultiply(use.elements, use.dtype ? static_cast<int64_t>(SizeOf(*use.dtype)) : 1);
    if (!bytes) FailTensor("has a storage of over 2^63 bytes");
    use.bytes = *bytes;
    return use;
  }

  RawTensor ReadTensor(const PickleValue& value) const {
    const PickleValue* call = &value;
    if (call->IsCall(kParameter)) call = Arguments(*call, 3, 3)[0];
    if (call->IsCall(kParameterWithState)) call = Arguments(*call, 4, 4)[0];
    const auto form = std::find_if(std::begin(kRebuild), std::end(kRebuild),
                                   [&](std::string_view name) { return call->IsCall(name); });
    if (form == std::end(kRebuild)) FailTensor(fmt::format("is {}", Describe(*call)));
    // (storage, offset, size, stride); v2: requires_grad, hooks, metadata; v3: dtype before the
    // metadata.
    const bool has_type = *form == kRebuild[2];
    const auto& arguments = *form == kRebuild[0] ? Arguments(*call, 4, 4)
                            : has_type           ? Arguments(*call, 7, 8)
                                                 : Arguments(*call, 6, 7);
    if (const size_t metadata = has_type ? 7 : 6; arguments.size() > metadata) {
      const PickleValue& flags = *arguments[metadata];  // conjugate and negative views
      if (flags.kind != Kind::kNone && !(flags.kind == Kind::kDict && flags.items.empty())) {
        FailTensor("is marked as a view that negates or conjugates its values");
      }
    }
    RawTensor tensor{.name = std::string(name_)};
    tensor.storage = ReadStorage(*arguments[0]);
    std::optional<DType> dtype = tensor.storage.dtype;
    if (has_type) {
      dtype = FindType(&DTypeNames::torch, *arguments[6]);
      if (!dtype) FailTensor(fmt::format("has {} as its type", Describe(*arguments[6])));
    }
    if (!dtype) FailTensor("has a storage without a type");
    tensor.dtype = *dtype;
    tensor.storage_offset = Size(*arguments[1], "its place in its storage");
    tensor.shape = Sizes(arguments[2], "size");
    RequireContiguous(tensor, *arguments[3]);
    return tensor;
  }

  void RequireContiguous(RawTensor& tensor, const PickleValue& stride_value) const {
    const std::vector<int64_t> strides = Strides(stride_value);
    if (strides.size() != tensor.shape.size()) {
      FailTensor(fmt::format("has {} sizes and {} strides", tensor.shape.size(), strides.size()));
    }
    const bool empty = std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end();
    int64_t elements = empty ? 0 : 1;
    for (size_t i = tensor.shape.size(); i-- > 0 && !empty;) {
      if (tensor.shape[i] == 1) continue;  // the stride may be anything, because it is never used
      if (strides[i] != elements) {
        FailTensor(
            fmt::format("has the shape [{}] with strides [{}]; expected contiguous rows (call "
                        ".contiguous() before saving)",
                        fmt::join(tensor.shape, ", "), fmt::join(strides, ", ")));
      }
      const auto product = CheckedMultiply(elements, tensor.shape[i]);
      if (!product) FailTensor("has over 2^63 elements");
      elements = *product;
    }
    const auto size = static_cast<int64_t>(SizeOf(tensor.dtype));
    const auto end = CheckedAdd(tensor.storage_offset, elements);
    if (!end || *end > tensor.storage.bytes / size) {
      FailTensor(fmt::format("takes elements {} to {} of a storage of {} bytes",
                             tensor.storage_offset, end ? std::to_string(*end) : "over 2^63",
                             tensor.storage.bytes));
    }
    tensor.bytes = elements * size;
  }

  std::vector<int64_t> Strides(const PickleValue& value) const {
    if (value.kind != Kind::kTuple || value.items.size() > 64) {
      FailTensor(fmt::format("has {} as its strides", Describe(value)));
    }
    std::vector<int64_t> strides;
    for (const PickleValue* item : value.items) {
      if (item->kind != Kind::kInt) FailTensor(fmt::format("has {} as a stride", Describe(*item)));
      strides.push_back(item->number);  // negative strides are refused together with the others
    }
    return strides;
  }

  const std::string& path_;
  std::string_view name_;
};

// The bytes of all storages, each counted once. The file must hold at least these, and its
// directory.
int64_t StorageBytes(const StateDict& state) {
  std::map<std::string_view, int64_t> storages;
  for (const RawTensor& tensor : state.tensors) storages[tensor.storage.key] = tensor.storage.bytes;
  int64_t sum = 0;
  for (const auto& [key, bytes] : storages) {
    sum = CheckedAdd(sum, bytes).value_or(std::numeric_limits<int64_t>::max());
  }
  return sum;
}

std::span<const std::byte> PickleBytes(std::span<const std::byte> bytes) {
  return bytes.first(std::min(bytes.size(), kMaxPickleBytes));
}

std::vector<TensorEntry> PlaceTensors(
    const StateDict& state, const std::function<int64_t(const RawTensor&)>& storage_begin) {
  std::vector<TensorEntry> entries;
  for (const RawTensor& tensor : state.tensors) {
    const int64_t offset =
        storage_begin(tensor) + tensor.storage_offset * static_cast<int64_t>(SizeOf(tensor.dtype));
    entries.push_back({.name = tensor.name,
                       .dtype = tensor.dtype,
                       .shape = tensor.shape,
                       .offset = offset,
                       .bytes = tensor.bytes});
  }
  return entries;
}

// Reports an archive that lacks its end. Its pickle comes first and tells how large the file should
// be.
[[noreturn]] void FailTruncatedZip(const std::string& path, std::span<const std::byte> file) {
  const std::span<const std::byte> first = FirstZipMemberToEnd(file);
  int64_t expected = 0;
  try {
    PickleReader reader(path, AllowedObjects());
    size_t at = 0;
    const StateDict state(path, *reader.Read(PickleBytes(first), at));
    expected =
        CheckedAdd(StorageBytes(state), static_cast<int64_t>(file.size() - first.size() + at))
            .value_or(0);
  } catch (const UserError&) {
    // The pickle is cut off too, so the size that the file should have is unknown.
  }
  const auto found = static_cast<int64_t>(file.size());
  if (expected > found) FailTruncated(path, found, expected);
  throw UserError(fmt::format(
      "[{}] has {} bytes without the zip directory that ends a PyTorch file: truncated; "
      "expected the whole file; copy or download it again",
      path, found));
}

std::vector<TensorEntry> ReadZip(const std::string& path, std::span<const std::byte> file,
                                 std::map<std::string, std::string>& texts) {
  if (!HasZipEnd(file)) FailTruncatedZip(path, file);
  std::map<std::string_view, ZipMember> members;  // by their name below the archive's one folder
  std::optional<std::string_view> folder;
  for (const ZipMember& member : ReadZipDirectory(file, path)) {
    const size_t slash = member.name.find('/');
    const std::string_view top = member.name.substr(0, slash);
    if (slash == std::string_view::npos || (folder && *folder != top)) {
      throw UserError(fmt::format(
          "[{}] holds the member '{}'; expected one folder with data.pkl, as torch.save "
          "writes it; check that this is a PyTorch file",
          path, Printable(member.name)));
    }
    folder = top;
    members.emplace(member.name.substr(slash + 1), member);
  }
  const auto find = [&](std::string_view name) -> const ZipMember* {
    const auto found = members.find(name);
    return found == members.end() ? nullptr : &found->second;
  };
  const auto bytes_of = [&](const ZipMember& member) {
    return file.subspan(static_cast<size_t>(member.offset), static_cast<size_t>(member.bytes));
  };
  const ZipMember* pickle = find("data.pkl");
  if (pickle == nullptr || find("constants.pkl") != nullptr) {
    throw UserError(fmt::format(
        "[{}] is {}; expected a state dict as torch.save writes it; save "
        "model.state_dict() itself, or use safetensors",
        path, pickle == nullptr ? "a zip archive without data.pkl" : "a TorchScript archive"));
  }
  if (const ZipMember* order = find("byteorder");
      order != nullptr && TextOf(bytes_of(*order)) != "little") {
    throw UserError(
        fmt::format("[{}] was written in '{}' byte order; expected 'little'; save it again on a "
                    "little-endian machine",
                    path, Printable(TextOf(bytes_of(*order)))));
  }
  PickleReader reader(path, AllowedObjects());
  size_t at = 0;
  const StateDict state(path, *reader.Read(PickleBytes(bytes_of(*pickle)), at));
  texts = state.texts;
  return PlaceTensors(state, [&](const RawTensor& tensor) {
    const ZipMember* member = find(fmt::format("data/{}", tensor.storage.key));
    if (member == nullptr || member->bytes != tensor.storage.bytes) {
      throw UserError(fmt::format(
          "[{}: {}] its storage '{}' {}; expected {} bytes there; get the file again", path,
          Printable(tensor.name), Printable(tensor.storage.key),
          member == nullptr ? "is not in the file" : fmt::format("has {} bytes", member->bytes),
          tensor.storage.bytes));
    }
    return member->offset;
  });
}

// Reads what torch.save wrote before version 1.6: five pickles (a magic number, the protocol, facts
// about the writer's machine, the state dict, the keys of its storages), then each storage as its
// number of elements and its bytes.
std::vector<TensorEntry> ReadPickles(const std::string& path, std::span<const std::byte> file,
                                     std::map<std::string, std::string>& texts) {
  const auto fail = [&](const std::string& what) {
    throw UserError(
        fmt::format("[{}] {}; expected a file as torch.save wrote it before version 1.6; save it "
                    "again with a newer PyTorch, or as safetensors",
                    path, what));
  };
  PickleReader reader(path, AllowedObjects());
  const std::span<const std::byte> pickles = PickleBytes(file);
  size_t at = 0;
  reader.Read(pickles, at);  // the magic number
  if (const PickleValue* version = reader.Read(pickles, at);
      version->kind != Kind::kInt || version->number != 1001) {
    fail(fmt::format("has {} as its version", Describe(*version)));
  }
  const PickleValue* machine = reader.Read(pickles, at);
  for (size_t i = 0; machine->kind == Kind::kDict && i < machine->items.size(); i += 2) {
    const PickleValue &key = *machine->items[i], &value = *machine->items[i + 1];
    if (key.IsString() && key.text == "little_endian" && value.number != 1)
      fail("was written in big byte order");
  }
  const StateDict state(path, *reader.Read(pickles, at));
  texts = state.texts;
  const PickleValue* keys = reader.Read(pickles, at);
  if (keys->kind != Kind::kList) fail(fmt::format("has {} as its storages", Describe(*keys)));

  std::map<std::string_view, StorageUse> uses;
  for (const RawTensor& tensor : state.tensors) {
    const auto [found, is_new] = uses.emplace(tensor.storage.key, tensor.storage);
    if (!is_new && (found->second.bytes != tensor.storage.bytes ||
                    found->second.dtype != tensor.storage.dtype)) {
      fail(fmt::format("describes storage '{}' in two ways", Printable(tensor.storage.key)));
    }
  }
  const auto file_bytes = static_cast<int64_t>(file.size());
  const auto all = CheckedAdd(StorageBytes(state), static_cast<int64_t>(at + 8 * uses.size()));
  if (all && file_bytes < *all) FailTruncated(path, file_bytes, *all);
  std::map<std::string_view, int64_t> begins;
  auto place = static_cast<int64_t>(at);
  for (const PickleValue* key : keys->items) {
    const auto use = key->IsString() ? uses.find(key->text) : uses.end();
    if (use == uses.end() || begins.contains(key->text)) {
      fail(fmt::format("lists {} among its storages", Describe(*key)));
    }
    int64_t elements = 0;
    if (file_bytes - place < 8) fail("ends before its storages");
    std::memcpy(&elements, file.data() + place, 8);
    place += 8;
    if (elements != use->second.elements || file_bytes - place < use->second.bytes) {
      fail(fmt::format("has {} elements in storage '{}' instead of {}", elements,
                       Printable(key->text), use->second.elements));
    }
    begins[key->text] = place;
    place += use->second.bytes;
  }
  if (place != file_bytes)
    fail(fmt::format("has {} bytes after its last storage", file_bytes - place));
  return PlaceTensors(state, [&](const RawTensor& tensor) {
    const auto begin = begins.find(tensor.storage.key);
    if (begin == begins.end())
      fail(fmt::format("lacks the storage of '{}'", Printable(tensor.name)));
    return begin->second;
  });
}

bool IsOldForm(std::span<const std::byte> file) {
  // PROTO n, LONG1 10, the magic number; protocol 4 puts a frame of 9 bytes between.
  const std::string_view start = TextOf(file.first(std::min<size_t>(file.size(), 32)));
  return start.starts_with('\x80') && start.find(kLegacyMagic) != std::string_view::npos;
}

}  // namespace

bool TorchFile::Recognizes(std::span<const std::byte> file) {
  return StartsAsZip(file) || IsOldForm(file);
}

TorchFile::TorchFile(const std::string& path) : TensorFile(path) {
  const std::span<const std::byte> bytes = file()->bytes();
  if (StartsAsZip(bytes)) {
    SetTensors(ReadZip(path, bytes, texts_));
  } else if (IsOldForm(bytes)) {
    SetTensors(ReadPickles(path, bytes, texts_));
  } else {
    throw UserError(
        fmt::format("[{}] {}; expected a file of torch.save: a zip archive, or the form before "
                    "PyTorch 1.6; get the file again, or its safetensors form",
                    path, bytes.empty() ? "is empty" : "is no PyTorch file"));
  }
}

}  // namespace lacos
