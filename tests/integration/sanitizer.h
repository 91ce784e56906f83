// Tells whether the tests were built with a sanitizer that uses memory of its own and so much
// address space that it cannot be limited. Tests of memory skip themselves then.
#pragma once

namespace lacos {

#if !defined(__has_feature)
#define __has_feature(name) 0  // clang has this function; g++ defines macros instead
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
// ThreadSanitizer ends a child of a process with threads that starts threads itself.
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
inline constexpr bool kSanitizerMemory = true;
#else
inline constexpr bool kSanitizerMemory = kThreadSanitizer;
#endif
// Upper bound of the slowdown that the sanitizer causes, for tests that wait for a program.
inline constexpr int kSanitizerSlowdown = kSanitizerMemory ? 10 : 1;

}  // namespace lacos
