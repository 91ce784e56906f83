// The exceptions of the C++ library. Where memory runs out, std::bad_alloc is thrown.
#ifndef LACOS_CPP_ERROR_H_
#define LACOS_CPP_ERROR_H_

#include <lacos/version.h>

#include <stdexcept>
#include <string>

LACOS_BEGIN_NAMESPACE

// The input or the environment is wrong: paths, files, texts, settings. what() is one line of the
// form "[where] what was found; what was expected; what to do". Settings are in backquotes.
class LACOS_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
  ~Error() override;
};

// A progress function ended the call. Nothing of its output is left behind.
class LACOS_API Cancelled : public Error {
 public:
  Cancelled();
  ~Cancelled() override;
};

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_ERROR_H_
