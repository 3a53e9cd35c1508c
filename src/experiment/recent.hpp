// Values that several cells share, made when they are first asked for; the oldest are forgotten.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <utility>

namespace cotscale::detail {

/// How many values of so many numbers each a cache may keep.
inline std::size_t room_for(double numbers, std::size_t most) {
  constexpr double megabytes = 24;
  return std::clamp<std::size_t>(static_cast<std::size_t>(megabytes * 1e6 / 8 / numbers), 4, most);
}

template<class Key, class Value>
class recent_values {
 public:
  explicit recent_values(std::size_t capacity) : capacity_(capacity) {}

  template<class Make>
  std::shared_ptr<const Value> get(const Key& key, Make make) {
    if (const auto found = values_.find(key); found != values_.end()) return found->second;
    auto value = std::make_shared<const Value>(make());
    if (order_.size() == capacity_) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(key);
    values_.emplace(key, value);
    return value;
  }

 private:
  std::size_t capacity_;
  std::deque<Key> order_;
  std::map<Key, std::shared_ptr<const Value>> values_;
};

}  // namespace cotscale::detail
