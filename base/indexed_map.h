#pragma once
// The objects of Json: members in the order they came in, found in logarithmic time.

#include <compare>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

namespace retort {

/// What nlohmann::basic_json asks of its ObjectType; Key is std::string. Beyond a few members a
/// sorted index finds them: a hash of keys that a stranger chose could be made to collide. A list
/// because members then stay where they are: the index refers to their keys, and growing a vector
/// of members copies them, const keys and all that is below.
template <class Key, class T, class = std::less<>, class = void>
class IndexedMap {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using key_compare = std::less<>;
  using size_type = std::size_t;
  using iterator = typename std::list<value_type>::iterator;
  using const_iterator = typename std::list<value_type>::const_iterator;

  IndexedMap() = default;
  template <class Iterator>
  IndexedMap(Iterator first, Iterator last) {
    insert(first, last);
  }
  IndexedMap(std::initializer_list<value_type> members)
      : IndexedMap(members.begin(), members.end()) {}
  IndexedMap(const IndexedMap& other) : IndexedMap(other.begin(), other.end()) {}
  IndexedMap(IndexedMap&& other) noexcept { swap(other); }
  IndexedMap& operator=(IndexedMap other) noexcept {
    swap(other);
    return *this;
  }
  void swap(IndexedMap& other) noexcept {
    members_.swap(other.members_);
    index_.swap(other.index_);
  }

  iterator begin() { return members_.begin(); }
  iterator end() { return members_.end(); }
  const_iterator begin() const { return members_.begin(); }
  const_iterator end() const { return members_.end(); }
  const_iterator cbegin() const { return members_.begin(); }
  const_iterator cend() const { return members_.end(); }
  value_type& back() { return members_.back(); }
  size_type size() const { return members_.size(); }
  size_type max_size() const { return members_.max_size(); }
  bool empty() const { return members_.empty(); }

  iterator find(std::string_view key) { return Find(*this, key); }
  const_iterator find(std::string_view key) const { return Find(*this, key); }
  size_type count(std::string_view key) const { return find(key) != end(); }

  const T& at(std::string_view key) const {
    const const_iterator found = find(key);
    return found != end() ? found->second : throw std::out_of_range("key not found");
  }

  /// Appends, unless the key is there.
  template <class K, class V>
  std::pair<iterator, bool> emplace(K&& key, V&& value) {
    const iterator found = find(key);
    if (found != end()) return {found, false};
    members_.emplace_back(std::forward<K>(key), std::forward<V>(value));
    const iterator added = std::prev(end());
    if (index_) {
      index_->emplace(added->first, added);
    } else if (size() > kSearched) {
      index_ = std::make_unique<Index>();
      for (iterator at = begin(); at != end(); ++at) index_->emplace(at->first, at);
    }
    return {added, true};
  }
  std::pair<iterator, bool> insert(const value_type& member) {
    return emplace(member.first, member.second);
  }
  template <class Iterator>
  void insert(Iterator first, Iterator last) {
    for (; first != last; ++first) emplace(first->first, first->second);
  }
  template <class K>
  T& operator[](K&& key) {
    return emplace(std::forward<K>(key), nullptr).first->second;
  }

  iterator erase(iterator at) {
    if (index_) index_->erase(at->first);
    return members_.erase(at);
  }
  iterator erase(iterator first, iterator last) {
    while (first != last) first = erase(first);
    return last;
  }
  template <class K>
  requires std::is_convertible_v<K, std::string_view> size_type erase(K&& key) {
    const iterator found = find(key);
    if (found == end()) return 0;
    erase(found);
    return 1;
  }
  void clear() { *this = {}; }

  // In order: {"a":1,"b":2} and {"b":2,"a":1} differ.
  friend bool operator==(const IndexedMap& a, const IndexedMap& b) {
    return a.members_ == b.members_;
  }
  friend std::partial_ordering operator<=>(const IndexedMap& a, const IndexedMap& b) {
    return a.members_ <=> b.members_;
  }

 private:
  using Index = std::map<std::string_view, iterator>;
  static constexpr size_type kSearched = 8;  // so many are compared one by one

  template <class Self>
  static auto Find(Self& self, std::string_view key) -> decltype(self.begin()) {
    if (self.index_) {
      const auto found = self.index_->find(key);
      if (found == self.index_->end()) return self.end();
      return found->second;
    }
    auto at = self.begin();
    while (at != self.end() && at->first != key) ++at;
    return at;
  }

  std::list<value_type> members_;
  std::unique_ptr<Index> index_;  // of more than kSearched
};

}  // namespace retort
