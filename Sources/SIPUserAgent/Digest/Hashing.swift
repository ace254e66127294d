import COpenSSL
import SansIO

/// The hash functions of HTTP digest (RFC 7616 §3.3 and RFC 8760 for SIP); the arithmetic is libcrypto's.
public enum DigestAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
  case md5 = "MD5"
  case sha256 = "SHA-256"

  /// The algorithm of a challenge; a missing parameter means MD5 (RFC 7616 §3.3). Nil for one that is not known here.
  public init?(parameter: String?) {
    guard let parameter else {
      self = .md5
      return
    }
    guard let known = Self.allCases.first(where: { $0.rawValue == parameter || $0.rawValue.lowercased() == parameter.lowercased() })
    else { return nil }
    self = known
  }

  fileprivate var function: OpaquePointer? {
    switch self {
    case .md5: Self.functions.md5
    case .sha256: Self.functions.sha256
    }
  }

  /// Fetched once: what `EVP_md5()` gives is looked up anew at each use (OpenSSL 3, crypto(7)).
  // Unchecked: a fetched EVP_MD is immutable, so threads may share it.
  private struct Functions: @unchecked Sendable {
    let md5 = EVP_MD_fetch(nil, "MD5", nil)
    let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
  }
  private static let functions = {
    copenssl_start()
    return Functions()
  }()
}

/// A hash as lower-case hexadecimal digits.
struct HexDigest: Sendable {
  private var digits = InlineArray<64, UInt8>(repeating: 0)
  private var count = 0

  init(_ bytes: Span<UInt8>) {
    for index in 0..<min(bytes.count, 32) {
      digits[count] = Entropy.digit(bytes[index] >> 4)
      digits[count + 1] = Entropy.digit(bytes[index])
      count += 2
    }
  }

  func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    digits.span.extracting(0..<count).withUnsafeBufferPointer(body)
  }

  var text: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }

  /// Compares with digits in either case, in a time that depends on their number alone.
  func equalsInConstantTime(_ response: Bytes) -> Bool {
    guard response.count == count else { return false }
    var other = InlineArray<64, UInt8>(repeating: 0)
    for index in 0..<count {
      let byte = response[index]
      other[index] = byte | (byte &- 65 < 26 ? 0x20 : 0)
    }
    return digits.span.withUnsafeBufferPointer { first in
      other.span.withUnsafeBufferPointer { second in CRYPTO_memcmp(first.baseAddress, second.baseAddress, count) == 0 }
    }
  }
}

/// What a hash is made of.
protocol HashInput {
  func withHashInput(_ body: (UnsafeRawBufferPointer) -> Void)
}

extension String: HashInput {
  func withHashInput(_ body: (UnsafeRawBufferPointer) -> Void) {
    var text = self
    text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }
}

extension Bytes: HashInput {
  func withHashInput(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
}

extension HexDigest: HashInput {
  func withHashInput(_ body: (UnsafeRawBufferPointer) -> Void) { withUTF8 { body(UnsafeRawBufferPointer($0)) } }
}

/// Hashes with one context an algorithm, which is made once and used again.
final class HashContext {
  private let md5 = EVP_MD_CTX_new()
  private let sha256 = EVP_MD_CTX_new()
  /// Short parts go to the hash function together. It is wiped each time, since passwords go through it.
  private let gathered = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 1)
  private var used = 0

  deinit {
    EVP_MD_CTX_free(md5)
    EVP_MD_CTX_free(sha256)
    gathered.deallocate()
  }

  /// The hash of what `feed` hands to its argument.
  func hash(_ algorithm: DigestAlgorithm, _ feed: (Feed) -> Void) -> HexDigest {
    let context = algorithm == .md5 ? md5 : sha256
    var output = InlineArray<64, UInt8>(repeating: 0)
    var count: UInt32 = 0
    var isDone = EVP_DigestInit_ex2(context, algorithm.function, nil) == 1
    feed(Feed(owner: self, context: context))
    flush(context)
    var span = output.mutableSpan
    span.withUnsafeMutableBufferPointer { isDone = isDone && EVP_DigestFinal_ex(context, $0.baseAddress, &count) == 1 }
    precondition(isDone, "libcrypto has no \(algorithm.rawValue)")
    return HexDigest(output.span.extracting(0..<Int(count)))
  }

  private func gather(_ part: UnsafeRawBufferPointer, for context: OpaquePointer?) {
    if part.count > gathered.count - used { flush(context) }
    guard part.count <= gathered.count - used else {
      EVP_DigestUpdate(context, part.baseAddress, part.count)
      return
    }
    UnsafeMutableRawBufferPointer(rebasing: gathered[used...]).copyMemory(from: part)
    used += part.count
  }

  private func flush(_ context: OpaquePointer?) {
    EVP_DigestUpdate(context, gathered.baseAddress, used)
    OPENSSL_cleanse(gathered.baseAddress, used)
    used = 0
  }

  /// Takes the parts of a text one after another.
  struct Feed {
    fileprivate let owner: HashContext
    fileprivate let context: OpaquePointer?

    func callAsFunction(_ part: some HashInput) { part.withHashInput { owner.gather($0, for: context) } }

    /// A colon and the part.
    func next(_ part: some HashInput) {
      self(":")
      self(part)
    }
  }
}
