import CSRTP

/// Bytes that nobody sees in a description and that are wiped when the last owner lets go.
// Unchecked: they are written by the initializer alone, and read afterwards.
final class SecretBytes: @unchecked Sendable {
  private let storage: UnsafeMutableRawBufferPointer

  /// - Parameter write: fills the bytes, which are zero; where it answers false, nothing was made.
  init?(count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Bool) {
    storage = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    storage.initializeMemory(as: UInt8.self, repeating: 0)
    guard write(storage) else { return nil }
  }

  init(_ bytes: some Collection<UInt8>) {
    storage = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    storage.copyBytes(from: bytes)
  }

  deinit {
    if let base = storage.baseAddress { csrtp_wipe(base, storage.count) }
    storage.deallocate()
  }

  var count: Int { storage.count }

  func withUnsafeBytes<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(storage))
  }

  /// For libsrtp2, whose policies have no `const`; it only reads.
  var pointer: UnsafeMutablePointer<UInt8>? { storage.baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension SecretBytes: Hashable {
  /// In a time that depends on the length alone.
  static func == (left: SecretBytes, right: SecretBytes) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in 0..<left.count { difference |= left.storage[index] ^ right.storage[index] }
    return difference == 0
  }

  func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(storage)) }
}
