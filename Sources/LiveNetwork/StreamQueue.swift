import SansIO

/// Bytes of a stream that the kernel has not taken yet, each write under its label.
struct StreamQueue {
  struct Chunk {
    enum Kind { case wire, plaintext }
    var kind: Kind
    var bytes: Bytes
    var label: Label
  }

  private var chunks: [Chunk] = []
  /// Chunks before this index are gone.
  private var head = 0
  /// Bytes of the first chunk that are gone.
  private var offset = 0
  /// Bytes of the stream that wait.
  private(set) var byteCount = 0

  var isEmpty: Bool { head == chunks.count }

  mutating func append(_ bytes: Bytes, _ label: Label) {
    guard !bytes.isEmpty else { return }
    chunks.append(Chunk(kind: .wire, bytes: bytes, label: label))
    byteCount += bytes.count
  }

  /// What the bytes before it carried; no byte of the stream itself.
  mutating func note(_ bytes: Bytes, _ label: Label) { chunks.append(Chunk(kind: .plaintext, bytes: bytes, label: label)) }

  /// Copies what fits; how many bytes.
  func gather(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var used = 0
    var skipped = offset
    for chunk in chunks[head...] where chunk.kind == .wire {
      let count = min(chunk.bytes.count - skipped, buffer.count - used)
      guard count > 0 else { break }
      chunk.bytes.withUnsafeBytes { raw in
        guard let source = raw.baseAddress else { return }
        buffer.baseAddress?.advanced(by: used).copyMemory(from: source + skipped, byteCount: count)
      }
      used += count
      skipped = 0
    }
    return used
  }

  /// Removes so many bytes from the front; what they were, write by write, and what they carried.
  mutating func take(_ count: Int) -> [Chunk] {
    var left = count
    byteCount -= count
    var taken: [Chunk] = []
    while head < chunks.count {
      var chunk = chunks[head]
      if chunk.kind == .wire {
        guard left > 0 else { break }
        let size = min(left, chunk.bytes.count - offset)
        chunk.bytes = chunk.bytes[offset..<offset + size]
        left -= size
        offset += size
        taken.append(chunk)
        guard offset == chunks[head].bytes.count else { break }
        offset = 0
      } else {
        taken.append(chunk)
      }
      head += 1
    }
    if head == chunks.count {
      chunks.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 256 {
      chunks.removeFirst(head)
      head = 0
    }
    return taken
  }
}
