// The version of lacos, and what the other headers share: visibility and the namespace.
#ifndef LACOS_CPP_VERSION_H_
#define LACOS_CPP_VERSION_H_

#include <lacos.h>  // LACOS_VERSION_STRING and the like, and LACOS_API

#include <string>

// Everything is in `lacos`. The inline namespace is part of the symbols only: it names the binary
// interface, as liblacos.so.0 does. The library's own code has other classes in `lacos`, so there
// the namespace is not inline.
#ifdef LACOS_BUILDS_LIBRARY
#define LACOS_BEGIN_NAMESPACE \
  namespace lacos {           \
  namespace v0 {
#else
#define LACOS_BEGIN_NAMESPACE \
  namespace lacos {           \
  inline namespace v0 {
#endif
#define LACOS_END_NAMESPACE \
  }                         \
  }

LACOS_BEGIN_NAMESPACE

// The version of the library at run time, like "0.1.0". LACOS_VERSION_STRING is the version of the
// headers.
LACOS_API std::string Version();

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_VERSION_H_
