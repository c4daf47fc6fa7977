// A user's first password, as --add-scram of the storage tool has it, as a record of the metadata log.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/random.hpp>
#include <weir/protocol/metadata_record_types.hpp>

#include <string_view>

namespace weir::broker {

/// "SCRAM-SHA-256=[name=alice,password=secret]"; in the brackets also iterations, salt and saltedpassword, the latter two in
/// base64. A salt that is not given is drawn. errc::invalid_setting says what is wrong, never a password.
result<protocol::user_scram_credential_record> parse_scram_option(std::string_view text, random_source& random);

}  // namespace weir::broker
