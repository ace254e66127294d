import CSRTP
import SRTP
import SansIO

/// SRTP per packet of 20 ms of G.711, one core, beside libsrtp2 alone, which changes a buffer in place.
enum SRTPBench {
  private static let count = 4_000
  private static let packet: [UInt8] = [0x80, 0, 0, 0, 0, 0, 0, 160, 0xCA, 0xFE, 0, 1] + [UInt8](repeating: 0x55, count: 160)
  private static let capacity = 256

  static func run() throws -> [Row] {
    try [SRTPSuite.aesCM128HMACSHA1_80, .aeadAES256GCM].flatMap { suite in try rows(suite) }
  }

  private static func rows(_ suite: SRTPSuite) throws -> [Row] {
    var entropy = Entropy(seed: 1)
    let key = SRTPKey(for: suite, entropy: &entropy)
    let keys = try SRTPKeys(suite, key)
    var (protected, opened) = ((ours: Double.infinity, theirs: Double.infinity), (ours: Double.infinity, theirs: Double.infinity))
    // In turns, and short ones, so that both see the same machine.
    for _ in 0..<40 {
      // Ours first, which starts the library.
      let ours = try run(keys)
      let theirs = RawPair(suite, key.reveal()).run()
      protected = (min(protected.ours, ours.protect), min(protected.theirs, theirs.protect))
      opened = (min(opened.ours, ours.unprotect), min(opened.theirs, theirs.unprotect))
    }
    return row("protect", suite, protected) + row("unprotect", suite, opened)
  }

  private static func row(_ verb: String, _ suite: SRTPSuite, _ seconds: (ours: Double, theirs: Double)) -> [Row] {
    [
      Row(name: "SRTP \(verb), \(suite)", value: Double(count) / seconds.ours / 1_000, unit: "k/s"),
      Row(name: "  libsrtp2 alone", value: Double(count) / seconds.theirs / 1_000, unit: "k/s"),
      Row(name: "  ours over libsrtp2's time", value: seconds.ours / seconds.theirs, unit: "×", bar: 1.2, isCeiling: true),
    ]
  }

  private static func run(_ keys: SRTPKeys) throws -> (protect: Double, unprotect: Double) {
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    var sent: [Bytes] = []
    sent.reserveCapacity(count)
    var buffer: [UInt8] = []
    buffer.reserveCapacity(capacity)
    let protect = try Stopwatch.best(of: 1) {
      for number in 1...count {
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: packet)
        buffer[2] = UInt8(truncatingIfNeeded: number >> 8)
        buffer[3] = UInt8(truncatingIfNeeded: number)
        try sender.protect(&buffer, .rtp)
      }
    }
    let second = try SRTPSender(keys)
    for number in 1...count {
      var copy = packet
      copy[2] = UInt8(truncatingIfNeeded: number >> 8)
      copy[3] = UInt8(truncatingIfNeeded: number)
      try second.protect(&copy, .rtp)
      sent.append(Bytes(copy))
    }
    var size = 0
    let unprotect = try Stopwatch.best(of: 1) { for bytes in sent { size += try receiver.unprotect(bytes, .rtp).count } }
    precondition(size == count * packet.count, "not what was sent")
    return (protect, unprotect)
  }

  /// The same by libsrtp2's own functions.
  private final class RawPair {
    private let sender: srtp_t
    private let receiver: srtp_t
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)

    init(_ suite: SRTPSuite, _ key: [UInt8]) {
      var key = key
      func make(_ type: srtp_ssrc_type_t) -> srtp_t {
        key.withUnsafeMutableBufferPointer { bytes in
          var policy = srtp_policy_t()
          if suite.isAEAD {
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
          } else {
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
          }
          policy.key = bytes.baseAddress
          policy.ssrc.type = type
          policy.window_size = 128
          var session: srtp_t?
          guard srtp_create(&session, &policy) == srtp_err_status_ok, let session else { preconditionFailure("libsrtp2 makes no session") }
          return session
        }
      }
      sender = make(ssrc_any_outbound)
      receiver = make(ssrc_any_inbound)
    }

    deinit {
      srtp_dealloc(sender)
      srtp_dealloc(receiver)
      buffer.deallocate()
    }

    func run() -> (protect: Double, unprotect: Double) {
      guard let base = buffer.baseAddress else { return (0, 0) }
      let protect = Stopwatch.best(of: 1) { for number in 1...count { _ = self.protect(base, number) } }
      let second = RawPair.sent(self, base)
      let unprotect = Stopwatch.best(of: 1) {
        for bytes in second {
          var length = Int32(bytes.count)
          bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
          guard srtp_unprotect(receiver, base, &length) == srtp_err_status_ok else { preconditionFailure("not what was sent") }
        }
      }
      return (protect, unprotect)
    }

    /// What the next `count` numbers look like on the wire.
    private static func sent(_ pair: RawPair, _ base: UnsafeMutableRawPointer) -> [[UInt8]] {
      (count + 1...2 * count).map { number in
        let length = pair.protect(base, number)
        return Array(UnsafeRawBufferPointer(start: base, count: length))
      }
    }

    private func protect(_ base: UnsafeMutableRawPointer, _ number: Int) -> Int {
      packet.withUnsafeBytes { buffer.copyMemory(from: $0) }
      buffer[2] = UInt8(truncatingIfNeeded: number >> 8)
      buffer[3] = UInt8(truncatingIfNeeded: number)
      var length = Int32(packet.count)
      guard srtp_protect(sender, base, &length) == srtp_err_status_ok else { preconditionFailure("libsrtp2 does not protect") }
      return Int(length)
    }
  }
}
