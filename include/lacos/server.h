// A server that answers requests for vectors over HTTP, inside the program that starts it.
//
//     lacos::Server server("trained");
//     std::cout << server.url() << "\n";  // http://127.0.0.1:41873
//     server.Stop();
#ifndef LACOS_CPP_SERVER_H_
#define LACOS_CPP_SERVER_H_

#include <lacos/sentence_encoder.h>
#include <lacos/version.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

LACOS_BEGIN_NAMESPACE

// How a server is started.
struct ServerOptions {
  SentenceEncoderOptions model;  // how the model is opened
  std::string listen;      // HOST:PORT, [IPV6]:PORT or unix:PATH; "": a free port of 127.0.0.1
  std::string api_keys;    // file of keys that requests must show; "": none
  std::string access_log;  // file that gets a line of JSON for each request; "": none
  std::string model_name;  // what replies call the model; "": the folder's name
  std::map<std::string, std::string> adapters;  // folders of adapters over the same base, by name
  bool no_auth = false;           // allows an address that other machines reach, without keys
  bool accept_token_ids = false;  // accepts ids of this model's tokenizer in place of texts
  bool empty_is_zero = false;     // gives empty texts the zero vector, not an error
  double max_wait = 10;           // seconds that a request may wait before it gets 429
  double request_timeout = 60;    // seconds after which a request is not computed any more
};

// A running server. It answers from threads of its own, until it is stopped or destroyed.
class LACOS_API Server {
 public:
  // Opens a model folder and starts to serve it. Returns when requests are answered. Throws Error if
  // the folder, an option or the address is wrong.
  explicit Server(const std::string& model, const ServerOptions& options = {});
  ~Server();  // stops without waiting for requests
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;

  std::string url()
      const;  // "http://127.0.0.1:8080" or "unix:/run/lacos.sock"; "" once it is stopped
  // Reads the file of keys again. Throws Error if it is wrong; the old keys then stay.
  void ReloadKeys();
  // Refuses new requests, waits at most `drain_seconds` until the admitted ones are answered, and
  // ends all connections. Returns the number of admitted requests that were not answered.
  std::uint64_t Stop(double drain_seconds = 30);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_SERVER_H_
