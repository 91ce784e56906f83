// The base classes of backends: a forwarding backend reports every call before and after the inner
// backend's op, and the ops of a null backend touch no memory.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/forwarding_backend.h"
#include "lacos/kernels/make_backend.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

// Records which calls began and which ended.
class ListeningBackend final : public ForwardingBackend {
 public:
  ListeningBackend(std::unique_ptr<Backend> inner, std::vector<std::string>& events)
      : ForwardingBackend(std::move(inner)), events_(events) {}

 protected:
  void Before(const OpCall& call) override { events_.push_back("before " + std::string(call.op)); }
  void After(const OpCall& call) override { events_.push_back("after " + std::string(call.op)); }

 private:
  std::vector<std::string>& events_;
};

class BackendBases : public ::testing::TestWithParam<OpCase> {};

TEST_P(BackendBases, EveryCallIsNamedBeforeAndAfterTheInnerOp) {
  std::vector<std::string> events;
  Workbench plain(MakeCpuBackend({.compute = Compute::kF32}));
  Workbench listening(
      std::make_unique<ListeningBackend>(MakeCpuBackend({.compute = Compute::kF32}), events));
  const std::vector<OpOutput> expected = GetParam().run(plain, Compute::kF32);
  const std::vector<OpOutput> actual = GetParam().run(listening, Compute::kF32);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t k = 0; k < actual.size(); ++k) {
    EXPECT_EQ(listening.Bytes(actual[k].view), plain.Bytes(expected[k].view)) << "output " << k;
  }
  ASSERT_EQ(events.size() % 2, 0u);
  for (size_t i = 0; i < events.size(); i += 2) {
    ASSERT_EQ(events[i].rfind("before ", 0), 0u) << events[i];
    EXPECT_EQ(events[i + 1], "after " + events[i].substr(7));
  }
}

// The memory of a dry backend has no access rights, so touching it would end this program.
TEST_P(BackendBases, AnOpOfANullBackendTouchesNoMemory) {
  const TypeSet types = MakeCpuBackend({.compute = Compute::kF32})->Types();
  Workbench dry(std::make_unique<DryBackend>(types));
  EXPECT_FALSE(GetParam().run(dry, Compute::kF32).empty());
  EXPECT_EQ(dry.backend().WorkspaceBytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Ops, BackendBases, ::testing::ValuesIn(OpCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lacos::testing
