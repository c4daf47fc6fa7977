// Who may do what: ACLs, SCRAM credentials, delegation tokens, quotas.
#pragma once
#include <weir/serde.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// --- ACLs; the numbers are the protocol's ---

enum class resource_kind : std::int8_t { unknown = 0, any = 1, topic = 2, group = 3, cluster = 4, transactional_id = 5, delegation_token = 6, user = 7 };
enum class pattern : std::int8_t {
    unknown = 0,
    any = 1,       ///< in filters
    match = 2,     ///< in filters: everything that applies to the name: literal, prefixed and the wildcard
    literal = 3,
    prefixed = 4,  ///< all names that begin so
};
enum class operation : std::int8_t {
    unknown = 0, any = 1, all = 2, read = 3, write = 4, create = 5, remove = 6, alter = 7, describe = 8, cluster_action = 9,
    describe_configs = 10, alter_configs = 11, idempotent_write = 12, create_tokens = 13, describe_tokens = 14, two_phase_commit = 15,
};
enum class permission : std::int8_t { unknown = 0, any = 1, deny = 2, allow = 3 };

/// Kafka's spelling: "TRANSACTIONAL_ID", "DELETE" (operation::remove).
std::string_view to_string(resource_kind kind) noexcept;
std::string_view to_string(pattern kind) noexcept;
std::string_view to_string(operation what) noexcept;
std::string_view to_string(permission what) noexcept;
/// Any case, with or without underscores ("TransactionalId"); unknown when it is none.
resource_kind parse_resource_kind(std::string_view text) noexcept;
pattern parse_pattern(std::string_view text) noexcept;
operation parse_operation(std::string_view text) noexcept;

/// What somebody may do; nullopt where it was not asked for, or the broker does not tell.
using authorized_operations = std::optional<std::vector<operation>>;

struct acl {
    std::string principal{};                      ///< "User:alice"
    resource_kind on = resource_kind::topic;
    std::string name{};                           ///< of the resource; "kafka-cluster" for the cluster, "*" for all
    weir::pattern pattern = weir::pattern::literal;
    weir::operation operation = weir::operation::all;
    weir::permission permission = weir::permission::allow;
    std::string host = "*";
    friend bool operator==(const acl&, const acl&) = default;
};

/// What is left out matches everything.
struct acl_filter {
    std::optional<std::string> principal{};
    resource_kind on = resource_kind::any;
    std::optional<std::string> name{};
    weir::pattern pattern = weir::pattern::any;
    weir::operation operation = weir::operation::any;
    weir::permission permission = weir::permission::any;
    std::optional<std::string> host{};
    friend bool operator==(const acl_filter&, const acl_filter&) = default;
};

// --- quotas (KIP-546) ---

/// "user", "client-id" or "ip" to a name; no name is the default of that kind.
using quota_entity = std::map<std::string, std::optional<std::string>>;

struct client_quota {
    quota_entity entity{};
    std::map<std::string, double> values{};       ///< "producer_byte_rate", "consumer_byte_rate", "request_percentage", ...
};

struct quota_filter {
    struct component {
        enum class match : std::int8_t { exact = 0, by_default = 1, any = 2 };
        std::string kind{};                       ///< "user", "client-id" or "ip"
        match how = match::exact;
        std::string name{};                       ///< for match::exact
    };
    std::vector<component> components{};
    bool strict = false;                          ///< only entities that have no other parts
};

struct quota_alteration {
    quota_entity entity{};
    std::map<std::string, std::optional<double>> set{};  ///< nullopt removes
};

// --- SCRAM credentials (KIP-554) ---

enum class scram_mechanism : std::int8_t { unknown = 0, sha_256 = 1, sha_512 = 2 };
std::string_view to_string(scram_mechanism mechanism) noexcept;  ///< "SCRAM-SHA-256"

struct scram_credential {
    scram_mechanism mechanism = scram_mechanism::unknown;
    std::int32_t iterations = 0;
};

/// A password to set, or, without one, a credential to delete. Only a salted hash of it leaves the process.
struct scram_alteration {
    std::string user{};
    scram_mechanism mechanism = scram_mechanism::sha_256;
    std::optional<std::string> password{};
    std::int32_t iterations = 4096;               ///< 4096 to 16384
    std::optional<bytes> salt{};                  ///< none: made at random
};

// --- delegation tokens (KIP-48) ---

struct principal {
    std::string kind = "User";
    std::string name{};
    friend bool operator==(const principal&, const principal&) = default;
};
std::string to_string(const principal& who);                     ///< "User:alice"
result<principal> parse_principal(std::string_view text);

struct delegation_token {
    std::string id{};
    bytes hmac{};                                 ///< the secret: the password, in base64, for SCRAM
    principal owner{};
    principal requester{};
    std::vector<principal> renewers{};
    timestamp issued{};
    timestamp expires{};                          ///< unless renewed
    timestamp latest{};                           ///< beyond which it cannot be renewed
};

struct create_token_options {
    std::vector<principal> renewers{};            ///< besides the owner
    std::optional<principal> owner{};             ///< none: who asks
    std::optional<duration> max_lifetime{};       ///< none: delegation.token.max.lifetime.ms
};

}  // namespace weir
