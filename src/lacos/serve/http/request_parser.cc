#include "lacos/serve/http/request_parser.h"

#include <fmt/format.h>

#include <boost/beast/http/parser.hpp>
#include <functional>
#include <utility>

#include "lacos/serve/http/head.h"

namespace lacos::serve {

namespace http = boost::beast::http;
using boost::system::error_code;

// A body for Beast's parser: it is kept as a string, or only counted if nobody wants it. Memory is
// taken as bytes arrive, not as Content-Length promises them.
struct KeptBody {
  struct value_type {
    std::string text;
    bool discard = false;
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(&body) {}
    void init(const boost::optional<uint64_t>&, error_code& error) { error = {}; }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      size_t n = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer piece = *it;
        if (!body_->discard)
          body_->text.append(static_cast<const char*>(piece.data()), piece.size());
        n += piece.size();
      }
      error = {};
      return n;
    }
    void finish(error_code& error) { error = {}; }

   private:
    value_type* body_;
  };
};

struct RequestParser::State {
  HttpLimits limits;
  http::request_parser<KeptBody> parser;
  // Beast keeps a reference to it.
  std::function<void(uint64_t, boost::beast::string_view, error_code&)> on_chunk =
      [](uint64_t, boost::beast::string_view extensions, error_code& error) {
        if (extensions.size() > kMaxChunkLine) error = http::error::bad_chunk_extension;
      };

  KeptBody::value_type& body() { return parser.get().body(); }
};

namespace {

// `place` is the part of the request that is wrong: "head" or "body".
HttpRefusal RefusalOf(const error_code& error, const HttpLimits& limits, std::string_view place) {
  if (error == http::error::body_limit) {
    return MakeRefusal(
        413, "body_too_large",
        fmt::format(
            "[body] found more than {} bytes; expected fewer; send the texts in several requests",
            limits.body_bytes));
  }
  if (error == http::error::header_limit) {
    return MakeRefusal(
        431, "head_too_large",
        fmt::format(
            "[head] found more than {} bytes; expected fewer; send only the fields that matter",
            limits.head_bytes));
  }
  if (error == http::error::bad_version)
    return MakeRefusal(505, "http_version",
                       "[head] the version of HTTP is unknown; expected HTTP/1.1; use it");
  return MakeRefusal(
      400, "bad_request",
      fmt::format("[{}] it is no HTTP/1.1: {}; expected a well-formed request; correct it", place,
                  error.message()));
}

std::string Copy(boost::beast::string_view text) { return std::string(text.data(), text.size()); }

}  // namespace

HttpRefusal MakeRefusal(int status, std::string code, std::string message) {
  return {.status = status,
          .code = std::move(code),
          .message = std::move(message),
          .headers = {},
          .target = {}};
}

RequestParser::RequestParser(const HttpLimits& limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  state_->parser.header_limit(static_cast<uint32_t>(limits.head_bytes) + 1);
  state_->parser.body_limit(boost::none);  // CheckFields and PutBody know the limit
}

RequestParser::~RequestParser() = default;

std::optional<HttpRefusal> RequestParser::PutHead(std::string_view head) {
  error_code error;
  state_->parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error && error != http::error::need_more) return RefusalOf(error, state_->limits, "head");
  if (!state_->parser.is_header_done()) {
    return MakeRefusal(400, "bad_request",
                       "[head] it is incomplete; expected a request of HTTP/1.1; correct it");
  }
  state_->parser.eager(true);
  if (state_->parser.chunked()) state_->parser.on_chunk_header(state_->on_chunk);
  return std::nullopt;
}

std::string RequestParser::method() const { return Copy(state_->parser.get().method_string()); }

std::string RequestParser::target() const { return Copy(state_->parser.get().target()); }

bool RequestParser::IsUnknownMethod() const {
  const http::verb verb = state_->parser.get().method();
  return verb == http::verb::unknown || verb == http::verb::connect;
}

int RequestParser::version() const { return static_cast<int>(state_->parser.get().version()); }

bool RequestParser::keep_alive() const { return state_->parser.keep_alive(); }

HttpFields RequestParser::Fields() const {
  HttpFields fields;
  for (const auto& field : state_->parser.get()) {
    fields.emplace_back(ToLower(Copy(field.name_string())), Copy(field.value()));
  }
  return fields;
}

size_t RequestParser::PutBody(std::string_view bytes, std::optional<HttpRefusal>& refusal) {
  error_code error;
  const size_t used = state_->parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::need_more) error = {};
  if (!error && static_cast<int64_t>(BodySize()) > state_->limits.body_bytes)
    error = http::error::body_limit;
  if (error) {
    refusal = RefusalOf(error, state_->limits, "body");
  } else if (!IsDone() && bytes.size() - used > kMaxChunkLine) {
    refusal = MakeRefusal(
        400, "bad_chunk",
        fmt::format("[body] the line before a chunk has more than {} bytes; expected its size and "
                    "little more; send no extensions",
                    kMaxChunkLine));
  }
  return used;
}

bool RequestParser::IsDone() const { return state_->parser.is_done(); }

size_t RequestParser::BodySize() const { return state_->body().text.size(); }

std::string RequestParser::TakeBody() { return std::move(state_->body().text); }

void RequestParser::DiscardBody() { state_->body().discard = true; }

}  // namespace lacos::serve
