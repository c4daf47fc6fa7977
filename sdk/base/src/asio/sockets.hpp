// The TCP side of the runtime: streams, listeners, connecting.
#pragma once
#include <weir/base/network.hpp>

#include "loop.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace weir::detail {

using tcp = boost::asio::ip::tcp;

/// Makes a stream of a connected, non-blocking socket; on the loop's thread.
std::unique_ptr<stream> make_socket_stream(asio_loop& loop, tcp::socket socket);

result<std::unique_ptr<listener>> listen_on(asio_loop& loop, const endpoint& on, const socket_options& options,
                                            function<event_loop&()> pick_loop,
                                            function<void(std::unique_ptr<stream>)> accepted);

void connect_to(asio_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                function<void(result<std::unique_ptr<stream>>)> done);

/// Addresses that need no resolver: numeric ones and localhost. Empty when `host` is neither.
std::vector<boost::asio::ip::address> literal_addresses(const std::string& host);
endpoint to_endpoint(const tcp::endpoint& where);
/// Buffer sizes and no delay; what the system refuses of these does not matter.
void apply_options(int socket, const socket_options& options) noexcept;
std::string system_text(int number);

}  // namespace weir::detail
