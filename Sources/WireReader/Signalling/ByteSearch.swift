import SansIO

extension Bytes {
  /// Whether they begin with a word, in whatever case; the word is in lower case.
  func begins(_ word: StaticString) -> Bool {
    guard count >= word.utf8CodeUnitCount else { return false }
    return withUnsafeBytes { bytes in
      for index in 0..<word.utf8CodeUnitCount {
        let byte = bytes[index]
        guard (byte &- 65 < 26 ? byte | 0x20 : byte) == word.utf8Start[index] else { return false }
      }
      return true
    }
  }
}

extension String {
  /// Whether the bytes of a word stand in it. `contains` compares characters, which takes a hundred times as long.
  func has(_ word: StaticString) -> Bool {
    word.withUTF8Buffer { wanted in
      var text = self
      return text.withUTF8 { bytes in
        guard let first = wanted.first, bytes.count >= wanted.count else { return wanted.isEmpty }
        for start in 0...bytes.count - wanted.count where bytes[start] == first {
          if UnsafeBufferPointer(rebasing: bytes[start..<start + wanted.count]).elementsEqual(wanted) { return true }
        }
        return false
      }
    }
  }
}
