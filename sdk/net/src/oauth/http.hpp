// The little HTTP that a token endpoint needs: one POST, one answer.
#pragma once
#include <weir/base/network.hpp>
#include <weir/base/task.hpp>

namespace weir::net {

struct url {
    bool secure = true;
    endpoint where;
    std::string target;  ///< path and query
};
/// "https://host[:port][/path]", or http. errc::malformed for others; users, passwords and fragments are refused.
result<url> parse_url(std::string_view text);

struct http_answer {
    int status = 0;
    std::string body;
};
/// Sends the request and reads the answer, of at most 1 MB, within `timeout`. The stream ends with it.
task<result<http_answer>> http_exchange(event_loop& loop, std::unique_ptr<stream> peer, std::string request, milliseconds timeout);

/// For application/x-www-form-urlencoded.
std::string form_encoded(std::string_view text);

}  // namespace weir::net
