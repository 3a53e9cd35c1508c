#include "cotscale/base/hash.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <fstream>
#include <new>
#include <vector>

#include "cotscale/base/error.hpp"

namespace cotscale {

void checksum::deleter::operator()(XXH64_state_s* state) const noexcept { XXH64_freeState(state); }

checksum::checksum() : state_(XXH64_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH64_reset(state_.get(), 0);
}

void checksum::add(std::span<const std::byte> bytes) { XXH64_update(state_.get(), bytes.data(), bytes.size()); }

std::uint64_t checksum::value() const { return XXH64_digest(state_.get()); }

namespace {

// SHA-256 of bytes that arrive in parts.
class digest {
 public:
  digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  void add(const void* bytes, std::size_t count) { require(EVP_DigestUpdate(context_.get(), bytes, count) == 1); }

  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context_.get(), value.data(), &size) == 1);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", value[i]);
    return hex;
  }

 private:
  static void require(bool done) {
    if (!done) throw error(exit_code::internal, "libcrypto cannot compute SHA-256");
  }

  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

std::string sha256(std::string_view text) {
  digest sum;
  sum.add(text.data(), text.size());
  return sum.hexadecimal();
}

std::string sha256_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> part(std::size_t{1} << 20);
  digest sum;
  while (in) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    sum.add(part.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof()) throw io_error(fmt::format("{}: cannot be read", path));
  return sum.hexadecimal();
}

}  // namespace cotscale
