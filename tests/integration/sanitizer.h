// Tells whether the tests were built with a sanitizer that uses memory of its own and so much
// address space that it cannot be limited. Tests of memory skip themselves then.
#pragma once

namespace lacos {

#if !defined(__has_feature)
#define __has_feature(name) 0  // clang has this function; g++ defines macros instead
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitizerMemory = true;
#else
inline constexpr bool kSanitizerMemory = false;
#endif
// Upper bound of the slowdown that the sanitizer causes, for tests that wait for a program.
inline constexpr int kSanitizerSlowdown = kSanitizerMemory ? 10 : 1;

}  // namespace lacos
