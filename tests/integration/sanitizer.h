// Whether the tests were built with a sanitizer that takes memory of its own beside the program's,
// and address space of which no limit can be set: tests of memory have nothing to measure then.
#pragma once

namespace lacos {

#if !defined(__has_feature)
#define __has_feature(name) 0  // clang's way to ask; g++ has macros
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitizerMemory = true;
#else
inline constexpr bool kSanitizerMemory = false;
#endif
// How much longer a program takes at most, for tests that have to wait for it.
inline constexpr int kSanitizerSlowdown = kSanitizerMemory ? 10 : 1;

}  // namespace lacos
