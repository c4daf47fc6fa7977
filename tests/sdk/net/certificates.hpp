// Certificates for tests, made on the spot.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir::test {

/// A certificate in PEM and its key.
struct identity {
    std::string certificate;
    std::string key;
};

struct certificate_wishes {
    std::string name = "server";
    std::vector<std::string> hosts{};   ///< DNS names and addresses
    std::int64_t from_seconds = -3600;  ///< from now
    std::int64_t until_seconds = 86'400;
    std::string password{};             ///< encrypts the key
};

/// An authority of its own; P-256 keys, which are made quickly.
class authority {
public:
    explicit authority(const std::string& name = "test authority");
    ~authority();
    identity issue(const certificate_wishes& wishes) const;
    const std::string& certificate() const noexcept { return certificate_; }

private:
    struct state;
    std::unique_ptr<state> state_;
    std::string certificate_;
};

}  // namespace weir::test
