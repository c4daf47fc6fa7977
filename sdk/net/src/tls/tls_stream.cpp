#include "tls_stream.hpp"

#include "reasons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace weir::net::tls {
namespace {

constexpr std::size_t record_bytes = 16 << 10;     // the most that fits one TLS record
constexpr std::size_t cipher_bytes = 34 << 10;     // two records with what TLS adds
constexpr std::size_t flight_bytes = 128 << 10;    // encrypted ahead of what the connection takes

/// Shared by the handle the user holds and the operations under way on the plain stream.
class session : public std::enable_shared_from_this<session> {
public:
    session(event_loop& loop, std::unique_ptr<stream> plain, ssl_ptr ssl, endpoint peer, std::string expected_host, bool verifies)
        : loop_(loop), plain_(std::move(plain)), local_(plain_->local()), remote_(plain_->remote()), ssl_(std::move(ssl)), peer_(std::move(peer)), expected_host_(std::move(expected_host)) {
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in_, -1);
        SSL_set_bio(ssl_.get(), in_, out_);
        SSL_set_app_data(ssl_.get(), this);
        SSL_set_verify(ssl_.get(), verifies ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, verifies ? looked_at : nullptr);
    }

    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) {
        into_ = into;
        read_done_ = std::move(done);
        drive_later();
    }
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) {
        pieces_ = std::move(pieces);
        piece_ = 0;
        taken_of_piece_ = 0;
        write_done_ = std::move(done);
        drive_later();
    }
    void close() noexcept {
        if (std::exchange(closed_, true)) return;
        if (!failed_) {
            failed_ = closed_error();
            // The goodbye goes as far as the system takes it at once.
            if (SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
            ERR_clear_error();
            last_flight();
        }
        if (plain_) plain_->close();
        if (read_done_ || write_done_) drive_later();
    }
    /// Runs what is pending, with errc::closed, and lets the plain stream go.
    void end() {
        const auto self = shared_from_this();
        close();
        const auto dropped = std::move(plain_);
        auto read_done = std::move(read_done_);
        auto write_done = std::move(write_done_);
        if (read_done) read_done(closed_error());
        if (write_done) write_done(closed_error());
    }
    const endpoint& local() const noexcept { return local_; }
    const endpoint& remote() const noexcept { return remote_; }

private:
    static int looked_at(int accepted, X509_STORE_CTX* context) {
        if (accepted) return 1;
        const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
        auto* self = static_cast<session*>(SSL_get_app_data(ssl));
        self->rejected_ = describe_rejected(context, self->expected_host_);
        return 0;
    }
    error closed_error() const { return error{errc::closed, fmt::format("connection to {} is closed", to_string(peer_))}; }

    // Callbacks never run inside the call that began the operation.
    void drive_later() {
        loop_.post([self = shared_from_this()] { self->drive(); });
    }

    void drive() {
        const auto self = shared_from_this();
        std::optional<result<std::size_t>> read;
        if (!failed_ && !SSL_is_init_finished(ssl_.get()) && (read_done_ || write_done_)) {
            if (const auto got = SSL_do_handshake(ssl_.get()); got != 1) note(got);
        }
        if (!failed_ && SSL_is_init_finished(ssl_.get())) {
            if (write_done_) encrypt();
            if (read_done_) read = decrypt();
        }
        if (!failed_) {
            flush();
            const bool handshaking = !SSL_is_init_finished(ssl_.get());
            if (!read && (read_done_ || (handshaking && write_done_))) fetch();
        }
        if (failed_ && !closed_) last_flight();
        std::optional<result<void>> written;
        if (write_done_ && failed_) written = failed_;
        else if (write_done_ && piece_ == pieces_.size() && staged_ == 0 && !sending_ && BIO_ctrl_pending(out_) == 0 && SSL_is_init_finished(ssl_.get())) written.emplace();
        if (read_done_ && !read && failed_) read = failed_;
        auto read_done = read ? std::move(read_done_) : function<void(result<std::size_t>)>{};
        auto write_done = written ? std::move(write_done_) : function<void(result<void>)>{};
        if (written) pieces_.clear();
        if (write_done) write_done(*std::move(written));
        if (read_done) read_done(*std::move(read));
    }

    /// What OpenSSL's answer means: nothing to do but wait, or the end.
    void note(int got) {
        const auto what = SSL_get_error(ssl_.get(), got);
        if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
            ERR_clear_error();
            return;
        }
        const auto why = rejected_.empty() ? describe_failure() : rejected_;
        ERR_clear_error();
        failed_ = error{errc::tls_failed, fmt::format("{}: {}", to_string(peer_), why)};
    }

    // Small pieces share a record, large ones are not copied first.
    void encrypt() {
        while (!failed_ && BIO_ctrl_pending(out_) < flight_bytes) {
            while (piece_ < pieces_.size() && taken_of_piece_ == pieces_[piece_].size()) {
                pieces_[piece_++] = {};
                taken_of_piece_ = 0;
            }
            if (piece_ == pieces_.size() && staged_ == 0) return;
            if (piece_ < pieces_.size() && staged_ < record_bytes) {
                auto& piece = pieces_[piece_];
                const auto left = piece.size() - taken_of_piece_;
                if (!piece.source && staged_ == 0 && left >= record_bytes) {
                    taken_of_piece_ += seal(piece.memory.subspan(taken_of_piece_, record_bytes));
                    continue;
                }
                const auto taken = stage(piece, std::min(left, record_bytes - staged_));
                taken_of_piece_ += taken;
                if (failed_ || (staged_ < record_bytes && taken > 0)) continue;
            }
            if (seal(bytes_view{staging_}.first(staged_)) > 0) staged_ = 0;
        }
    }
    std::size_t stage(const write_piece& piece, std::size_t count) {
        if (staging_.empty()) staging_.resize(record_bytes);
        const auto into = mutable_bytes{staging_}.subspan(staged_, count);
        if (piece.source) {
            const auto got = piece.source->read_at(piece.source_offset + taken_of_piece_, into);
            if (!got || *got != count) {
                failed_ = got ? error{errc::io_error, fmt::format("{} ends before byte {}, which was to be sent to {}", piece.source->path(), piece.source_offset + piece.source_bytes, to_string(peer_))} : got.error();
                return 0;
            }
        } else {
            std::ranges::copy(piece.memory.subspan(taken_of_piece_, count), into.begin());
        }
        staged_ += count;
        return count;
    }
    std::size_t seal(bytes_view content) {
        if (content.empty()) return 0;
        const auto got = SSL_write(ssl_.get(), content.data(), static_cast<int>(content.size()));
        if (got > 0) return static_cast<std::size_t>(got);
        note(got);
        return 0;
    }

    std::optional<result<std::size_t>> decrypt() {
        std::size_t filled = 0;
        while (filled < into_.size()) {  // one call gives one record at most
            const auto got = SSL_read(ssl_.get(), into_.data() + filled, static_cast<int>(std::min(into_.size() - filled, record_bytes)));
            if (got > 0) {
                filled += static_cast<std::size_t>(got);
                continue;
            }
            if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN) return filled;  // 0 when it was all before
            note(got);
            break;
        }
        if (filled > 0) return filled;
        return std::nullopt;
    }

    void flush() {
        if (sending_ || !plain_ || BIO_ctrl_pending(out_) == 0) return;
        sending_ = true;
        plain_->write(take_flight(), [self = shared_from_this()](result<void> sent) {
            // The read knows better: what the peer said last (an alert) may still be on its way up.
            if (!sent && self->fetching_) return;
            self->sending_ = false;
            if (!sent && !self->failed_) self->failed_ = sent.error();
            self->drive();
        });
    }
    // An alert or a goodbye: nobody waits for it.
    void last_flight() {
        if (sending_ || !plain_ || BIO_ctrl_pending(out_) == 0) return;
        sending_ = true;
        plain_->write(take_flight(), [self = shared_from_this()](const result<void>&) { self->sending_ = false; });
    }
    std::vector<write_piece> take_flight() {
        auto flight = std::make_shared<bytes>(BIO_ctrl_pending(out_));
        BIO_read(out_, flight->data(), static_cast<int>(flight->size()));
        std::vector<write_piece> pieces(1);
        pieces[0].memory = *flight;
        pieces[0].owner = std::move(flight);
        return pieces;
    }

    void fetch() {
        if (fetching_ || !plain_) return;
        fetching_ = true;
        if (inbox_.empty()) inbox_.resize(cipher_bytes);
        plain_->read_some(inbox_, [self = shared_from_this()](result<std::size_t> got) {
            self->fetching_ = false;
            if (!got) {
                if (!self->failed_) self->failed_ = got.error();
            } else if (*got == 0) {
                self->peer_finished();
            } else {
                self->heard_ = true;
                BIO_write(self->in_, self->inbox_.data(), static_cast<int>(*got));
            }
            self->drive();
        });
    }
    // It may be a plain listener that does not understand us, or a broker that goes down: whoever opens connections finds out.
    void peer_finished() {
        if (failed_) return;
        const auto* when = SSL_is_init_finished(ssl_.get()) ? "without TLS's goodbye" : heard_ ? "in the middle of the TLS handshake" : "at the beginning of the TLS handshake";
        failed_ = error{errc::network_exception, fmt::format("{} closed the connection {}", to_string(peer_), when)};
    }

    event_loop& loop_;
    std::unique_ptr<stream> plain_;
    const endpoint local_, remote_;
    ssl_ptr ssl_;
    BIO* in_;   // both owned by ssl_
    BIO* out_;
    const endpoint peer_;
    const std::string expected_host_;
    std::string rejected_;
    error failed_;
    bool closed_ = false;

    mutable_bytes into_;
    function<void(result<std::size_t>)> read_done_;
    bytes inbox_;
    bool fetching_ = false;
    bool heard_ = false;

    std::vector<write_piece> pieces_;
    std::size_t piece_ = 0;
    std::size_t taken_of_piece_ = 0;
    function<void(result<void>)> write_done_;
    bytes staging_;
    std::size_t staged_ = 0;
    bool sending_ = false;
};

class tls_stream final : public stream {
public:
    explicit tls_stream(std::shared_ptr<session> inner) : inner_(std::move(inner)) {}
    ~tls_stream() override { inner_->end(); }
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override { inner_->read_some(into, std::move(done)); }
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override { inner_->write(std::move(pieces), std::move(done)); }
    void close() noexcept override { inner_->close(); }
    const endpoint& local() const noexcept override { return inner_->local(); }
    const endpoint& remote() const noexcept override { return inner_->remote(); }

private:
    std::shared_ptr<session> inner_;
};

}  // namespace

std::unique_ptr<stream> make_stream(event_loop& loop, std::unique_ptr<stream> plain, ssl_ptr ssl, endpoint peer, std::string expected_host, bool verifies) {
    return std::make_unique<tls_stream>(std::make_shared<session>(loop, std::move(plain), std::move(ssl), std::move(peer), std::move(expected_host), verifies));
}

}  // namespace weir::net::tls
