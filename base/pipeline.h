#pragma once
// Items that are read one after another, worked on several at once, and written in the order in
// which they were read: a pipeline of oneTBB's.

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace retort {

namespace internal {
/// `read` says whether there was one more; each gets the place of an item, in [0, places).
struct PipelineCalls {
  std::function<bool(int64_t)> read;
  std::function<void(int64_t)> work, write;
};
void RunPipeline(int threads, int64_t places, const PipelineCalls& calls);
}  // namespace internal

/// `read(item)` fills a new item and returns false at the end;
/// `work(item)` runs for several items at once; `write(item)` gets one at a time, in order. Neither
/// read nor write runs twice at once, but all three beside each other, by
/// ThreadCount(threads) threads of which the caller is one (more than there are processors where
/// work waits; fewer where the system gives no more). At most `places` items are under way, so that
/// one that takes long holds up none but those that come so much later. Returns when all are
/// written. The first exception is rethrown when everything has come to rest.
template <class Item, class Read, class Work, class Write>
void RunPipeline(int threads, int64_t places, const Read& read, const Work& work,
                 const Write& write) {
  std::vector<Item> items(static_cast<size_t>(places));
  const auto at = [&](int64_t place) -> Item& { return items[static_cast<size_t>(place)]; };
  internal::RunPipeline(threads, places,
                        {.read = [&](int64_t place) { return read(at(place)); },
                         .work = [&](int64_t place) { work(at(place)); },
                         .write =
                             [&](int64_t place) {
                               Item item = std::exchange(at(place), {});  // it holds no memory then
                               write(item);
                             }});
}

}  // namespace retort
