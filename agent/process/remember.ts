/**
 * Puts a value into a map that holds `sizeMax` at most, as its latest. The oldest make room, many at once: to look for the first key
 * of a map takes as long as keys have been deleted before it.
 */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, sizeMax: number): void {
  map.delete(key);
  if (map.size >= sizeMax) {
    let count = Math.max(1, sizeMax >> 4);
    for (const old of map.keys()) {
      map.delete(old);
      if (--count === 0) break;
    }
  }
  map.set(key, value);
}
