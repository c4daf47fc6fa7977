#include "cipher_suites.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace weir::net::tls {
namespace {

struct suite {
    std::string_view standard, openssl;  // the same in TLS 1.3; OpenSSL's memory, which stays
    bool is_1_3;
};

/// What OpenSSL offers when nobody says otherwise, the preferred first: neither anonymous nor weak, and what the machine's
/// policy leaves of that.
std::vector<suite> usable_suites() {
    const context_ptr context{SSL_CTX_new(TLS_client_method())};
    const ssl_ptr session{SSL_new(context.get())};
    auto* found = SSL_get1_supported_ciphers(session.get());
    std::vector<suite> all;
    for (int i = 0; i < sk_SSL_CIPHER_num(found); ++i) {
        const auto* each = sk_SSL_CIPHER_value(found, i);
        all.push_back({SSL_CIPHER_standard_name(each), SSL_CIPHER_get_name(each), std::string_view{SSL_CIPHER_get_version(each)} == "TLSv1.3"});
    }
    sk_SSL_CIPHER_free(found);
    return all;
}

/// librdkafka hands its text to OpenSSL, which has colons between.
std::vector<std::string_view> names_in(const std::vector<std::string>& given) {
    std::vector<std::string_view> names;
    for (const std::string_view each : given) {
        for (std::size_t at = 0; at <= each.size();) {
            const auto end = std::min(each.find(':', at), each.size());
            if (end > at) names.push_back(each.substr(at, end - at));
            at = end + 1;
        }
    }
    return names;
}

void append(std::string& list, std::string_view name) {
    if (!list.empty()) list += ':';
    list += name;
}

}  // namespace

result<suite_choice> choose_suites(const tls_config& config) {
    suite_choice made{config.oldest, config.newest, {}, {}};
    if (config.cipher_suites.empty()) return made;
    const auto usable = usable_suites();
    for (const auto name : names_in(config.cipher_suites)) {
        const auto found = std::ranges::find_if(usable, [name](const suite& each) { return name == each.standard || name == each.openssl; });
        if (found == usable.end()) {
            std::vector<std::string_view> allowed;
            for (const auto& each : usable) allowed.push_back(each.standard);
            return error{errc::invalid_setting, fmt::format("ssl.cipher.suites={}: allowed is a list of {}, or of OpenSSL's names for them", name, fmt::join(allowed, ", "))};
        }
        append(found->is_1_3 ? made.of_1_3 : made.of_1_2, found->openssl);
    }
    if (made.of_1_2.empty()) made.oldest = tls_version::v1_3;
    if (made.of_1_3.empty()) made.newest = std::min(made.newest, tls_version::v1_2);
    if (made.oldest > made.newest) {
        return error{errc::invalid_setting, fmt::format("ssl.cipher.suites={}: none of them is of a version that ssl.enabled.protocols allows", fmt::join(config.cipher_suites, ","))};
    }
    return made;
}

}  // namespace weir::net::tls
