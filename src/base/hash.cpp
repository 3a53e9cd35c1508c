#include "cotscale/base/hash.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <new>

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

void require(bool done) {
  if (!done) throw error(exit_code::internal, "libcrypto cannot compute SHA-256");
}

}  // namespace

void sha256_sum::deleter::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

sha256_sum::sha256_sum() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void sha256_sum::add(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string sha256_sum::hexadecimal() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string sha256(std::string_view text) {
  sha256_sum sum;
  sum.add(text);
  return sum.hexadecimal();
}

}  // namespace cotscale
