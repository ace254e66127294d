import CSRTP

/// One master key in one direction, on libsrtp2: its streams, replay windows and counts.
///
/// A template stands for every source; a source gets a stream of its own when its first packet is verified. MKIs are none of libsrtp2's
/// business here: it looks for them with the tag length of SRTP in SRTCP too, which fails for the suites with a short tag. A copy shares
/// the streams, so there is one owner.
struct SRTPSession {
  enum Direction { case inbound, outbound }

  /// How many sources one key is kept for.
  static let sourceLimit = 64

  /// A source whose packets this key protected.
  struct Source {
    var ssrc: UInt32
    /// The highest index so far; nil before the first RTP packet.
    var highest: UInt64?
    /// The highest index under another suite with the same key, whose keystream was used up to there.
    var used: UInt64?
  }

  private(set) var key: SRTPKey
  private let direction: Direction
  let context: SRTPContext
  private(set) var sources: [Source] = []
  /// Sources that have a stream, and no packet yet.
  private var prepared: [UInt32] = []
  /// Packets that were protected, or verified, with this key.
  private var rtpCount: UInt64 = 0
  private var rtcpCount: UInt64 = 0

  /// - Parameter encryptsControl: false = SRTCP is authenticated alone, with the E flag cleared (RFC 3711 §3.4).
  init(_ suite: SRTPSuite, _ key: SRTPKey, _ direction: Direction, encryptsControl: Bool = true) throws(SRTPLibraryError) {
    self.key = key
    self.direction = direction
    guard SRTPLibrary.isReady else { throw SRTPLibraryError(srtp_err_status_init_fail) }
    var policy = Self.policy(suite, key)
    policy.ssrc.type = direction == .inbound ? ssrc_any_inbound : ssrc_any_outbound
    if !encryptsControl { policy.rtcp.sec_serv = sec_serv_auth }
    var made: srtp_t?
    let status = srtp_create(&made, &policy)
    guard status == srtp_err_status_ok, let made else { throw SRTPLibraryError(status) }
    context = SRTPContext(made)
  }

  /// The key's bytes belong to the key, which outlives the call that the policy is for.
  private static func policy(_ suite: SRTPSuite, _ key: SRTPKey) -> srtp_policy_t {
    precondition(key.count == suite.keyAndSaltLength, "the length of a key is checked where it is made")
    var policy = srtp_policy_t()
    suite.fill(&policy)
    policy.key = key.pointer
    policy.window_size = 128
    return policy
  }

  /// Another key or suite for all sources; their ROCs and SRTCP indices go on. libsrtp2 forgets which indices of the window were used.
  mutating func update(_ suite: SRTPSuite, _ key: SRTPKey) throws(SRTPLibraryError) {
    let isSameKey = key.isSameKey(as: self.key)
    var policy = Self.policy(suite, key)
    policy.ssrc.type = direction == .inbound ? ssrc_any_inbound : ssrc_any_outbound
    let status = srtp_update(context.session, &policy)
    guard status == srtp_err_status_ok else { throw SRTPLibraryError(status) }
    self.key = key
    if !isSameKey { (rtpCount, rtcpCount) = (0, 0) }
    for index in sources.indices { sources[index].used = isSameKey ? sources[index].highest : nil }
  }

  /// The same key with another identifier or lifetime.
  mutating func rename(_ key: SRTPKey) { self.key = key }

  // MARK: - What was done

  func place(of ssrc: UInt32) -> Int? {
    // Nearly always the first, and never many.
    for index in sources.indices where sources[index].ssrc == ssrc { return index }
    return nil
  }

  func highest(of ssrc: UInt32) -> UInt64? { place(of: ssrc).flatMap { sources[$0].highest } }

  var isFull: Bool { sources.count >= Self.sourceLimit }

  /// Whether the key's lifetime is over for this kind of packet.
  func isExpired(_ kind: SRTPPacketKind) -> Bool {
    let limit = KeyLifetime.limit(kind)
    let count = kind == .rtp ? rtpCount : rtcpCount
    return count >= (key.lifetime.map { min($0.packets, limit) } ?? limit)
  }

  /// Notes a packet that was protected or verified.
  ///
  /// - Parameter index: of RTP.
  mutating func commit(_ ssrc: UInt32, place: Int?, index: UInt64?) {
    if index == nil { rtcpCount += 1 } else { rtpCount += 1 }
    guard let place else {
      prepared.removeAll { $0 == ssrc }
      return sources.append(Source(ssrc: ssrc, highest: index))
    }
    guard let index else { return }
    if let highest = sources[place].highest, highest >= index { return }
    sources[place].highest = index
  }

  // MARK: - A ROC from outside

  /// Reads the next packet of a source with this ROC, whatever the source's own packets say, until ``forgetRolloverCounter(of:)``.
  mutating func setRolloverCounter(_ counter: UInt32, of ssrc: UInt32, _ suite: SRTPSuite) -> srtp_err_status_t {
    if place(of: ssrc) == nil, !prepared.contains(ssrc) {
      var policy = Self.policy(suite, key)
      policy.ssrc = srtp_ssrc_t(type: ssrc_specific, value: ssrc)
      let status = srtp_add_stream(context.session, &policy)
      guard status == srtp_err_status_ok else { return status }
      prepared.append(ssrc)
    }
    return srtp_set_stream_roc(context.session, ssrc, counter)
  }

  /// libsrtp2 keeps a ROC that was set when it is near the source's index, and would read all later packets with it.
  func forgetRolloverCounter(of ssrc: UInt32) { srtp_set_stream_roc(context.session, ssrc, 0) }
}

/// The process-wide part of libsrtp2.
enum SRTPLibrary {
  /// Starts it once a process, with its self-tests; false where they fail.
  static var isReady: Bool { started.status == srtp_err_status_ok }

  // Unchecked: it is made once, and nobody uses the session.
  private nonisolated(unsafe) static let started: (status: srtp_err_status_t, kept: srtp_t?) = {
    let status = srtp_init()
    guard status == srtp_err_status_ok else { return (status, nil) }
    // Debian's libsrtp2 starts NSS with its first cipher and ends it with its last one: 2.6 ms for each call that comes alone, against
    // 30 µs while this session lives.
    var key = [UInt8](repeating: 0, count: SRTPSuite.aesCM128HMACSHA1_80.keyAndSaltLength)
    return key.withUnsafeMutableBufferPointer { bytes in
      var policy = srtp_policy_t()
      SRTPSuite.aesCM128HMACSHA1_80.fill(&policy)
      policy.key = bytes.baseAddress
      policy.ssrc.type = ssrc_any_inbound
      var kept: srtp_t?
      return (srtp_create(&kept, &policy), kept)
    }
  }()
}
