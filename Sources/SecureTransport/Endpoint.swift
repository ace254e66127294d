import COpenSSL
import CVirtualTime
import SansIO

/// Time and randomness of one endpoint, as OpenSSL sees them.
///
/// OpenSSL asks the process for both. With a seeded entropy, every call into it runs inside ``run(at:_:)``, where this thread's randomness
/// is this endpoint's own ChaCha20 stream and its clock shows virtual time. So one seed gives the same bytes in every process, whatever
/// other connections do in between. With the system's entropy nothing is replaced.
struct Endpoint: ~Copyable {
  private let random: UnsafeMutablePointer<virtual_random>?
  private let epoch: Epoch

  /// Draws the generator's key from `entropy`, which must be the endpoint's own fork: two endpoints of one seed draw the same bytes.
  init(_ entropy: Entropy, epoch: Epoch) {
    OpenSSL.prepare()
    self.epoch = epoch
    if entropy.isSeeded {
      var entropy = entropy
      self.random = Self.generator(key: entropy.bytes(32))
    } else {
      self.random = nil
    }
  }

  /// An endpoint whose generator's key is given: 32 bytes.
  init(key: [UInt8], epoch: Epoch) {
    OpenSSL.prepare()
    self.epoch = epoch
    self.random = Self.generator(key: key)
  }

  deinit { random?.deallocate() }

  /// Calls OpenSSL as this endpoint, with an empty error queue. Does not nest.
  @inline(__always)
  borrowing func run<Result, Failure: Error>(at now: Instant, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    ERR_clear_error()
    guard let random else { return try body() }
    virtual_scope_enter(random, epoch.unixNanoseconds(at: now))
    defer { virtual_scope_leave() }
    return try body()
  }

  /// Seconds since 1970 that certificates are judged by; nil for the real time.
  borrowing func certificateTime(at now: Instant) -> Int? {
    random == nil ? nil : Int(epoch.unixNanoseconds(at: now) / 1_000_000_000)
  }

  private static func generator(key: [UInt8]) -> UnsafeMutablePointer<virtual_random> {
    precondition(key.count == 32, "ChaCha20 takes a key of 32 bytes")
    let random = UnsafeMutablePointer<virtual_random>.allocate(capacity: 1)
    random.initialize(to: virtual_random())
    virtual_random_start(random, key)
    return random
  }
}

/// The process-wide part of OpenSSL.
enum OpenSSL {
  /// Puts our randomness in front of OpenSSL's, once a process. It hands every draw outside of a virtual scope to OpenSSL's own generator.
  static func prepare() { _ = prepared }

  private static let prepared: Void = {
    copenssl_start()
    let method = UnsafeMutablePointer<RAND_METHOD>.allocate(capacity: 1)
    method.initialize(
      to: RAND_METHOD(
        seed: { crand_openssl().pointee.seed($0, $1) },
        bytes: { OpenSSL.draw($0, $1) },
        cleanup: nil,
        add: { crand_openssl().pointee.add($0, $1, $2) },
        pseudorand: { OpenSSL.draw($0, $1) },
        status: { crand_openssl().pointee.status() }))
    crand_set_rand_method(method)
  }()

  private static func draw(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int32) -> Int32 {
    guard let bytes, count >= 0 else { return 0 }
    return virtual_random_fill(bytes, Int(count)) == 1 ? 1 : crand_openssl().pointee.bytes(bytes, count)
  }

  /// OpenSSL's reason for the earliest error of this thread's queue, in its plain words.
  static func reason() -> String {
    let code = ERR_peek_error()
    guard code != 0, let text = ERR_reason_error_string(code) else { return "no reason given" }
    return String(cString: text)
  }
}
