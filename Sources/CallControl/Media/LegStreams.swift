import Codecs
import Media
import RTP
import SDP
import SIPUserAgent
import SRTP
import SansIO
import SecureTransport

/// The streams of one leg: the call's own, and that of a music server, which has another address and so a stream of its own.
struct LegStreams: Sendable {
  /// What all streams of a user agent have in common.
  struct Settings: Sendable {
    var cname: String
    var musicCname: String
    /// Hertz.
    var musicFrequency: Int
    var sendsAudio: Bool
    var rekey: RolloverReading
    var firstSequence: UInt16?
    var earlyRTP: EarlyRTP
    var reception = ReceptionSettings()
    var listening = AudioListening.none
    var hearsTonesAsDigits = false
    var identity: DTLSIdentity
    /// Each stream forks its own from it.
    var entropy: Entropy
    var epoch: Epoch
  }

  /// The ports of the music server.
  private enum Music: Sendable {
    case opening(MediaPorts.PairID, awaited: AudioAgreement?)
    case open(MediaPorts.PairID)
  }

  private let id: LegID
  private var call: MediaStream?
  private var music: Music?
  /// What plays there, once something was agreed; beside the ports, so that a step of the one copies nothing of the other.
  private var musicStream: MediaStream?
  /// What is said as soon as the call has a stream.
  private var speech: MediaCommand?
  /// Handshakes of DTLS that came before the agreement: the peer has our description already, and its answer or ACK is on its way
  /// (RFC 5763 §5).
  private var early: [Arrival] = []
  private static let earlyLimit = 8
  /// Media that came before the agreement, where it is kept.
  private var earlyMedia: EarlyPackets?
  /// What was reported of the sockets.
  private var failures: Set<SocketFailure> = []

  init(_ id: LegID, _ earlyRTP: EarlyRTP = .drop) {
    self.id = id
    if earlyRTP == .buffer { earlyMedia = EarlyPackets() }
  }

  var report: MediaReport? { call?.report }

  // MARK: - Commands

  mutating func handle(
    _ command: LegOutput.Media, pair: MediaPorts.PairID?, _ settings: Settings, at now: Instant, _ out: inout Outbox
  ) {
    switch command {
    case .prepare(let agreement):
      guard call == nil, let pair else { return }
      make(agreement, tag: nil, pair, settings)
      call?.handle(.secure, at: now, &out)
      takeEarly(at: now, &out)
    case .begin(let agreement, let tag):
      if call != nil {
        call?.handle(.agree(agreement, remoteTag: tag), at: now, &out)
        call?.handle(.start, at: now, &out)
        return
      }
      guard let pair else { return }
      make(agreement, tag: tag, pair, settings)
      call?.handle(.start, at: now, &out)
      if let speech { call?.handle(speech, at: now, &out) }
      takeEarly(at: now, &out)
    case .call(let command):
      if case .play = command { speech = command }
      call?.handle(command, at: now, &out)
    case .play(let agreement):
      switch music {
      case .opening(let pair, _): music = .opening(pair, awaited: agreement)
      case .open(let pair): play(agreement, pair, settings, at: now, &out)
      case nil: break
      }
    case .music(let command): musicStream?.handle(command, at: now, &out)
    }
  }

  private mutating func make(_ agreement: AudioAgreement, tag: String?, _ pair: MediaPorts.PairID, _ settings: Settings) {
    call = MediaStream(
      configuration(pair, cname: settings.cname, settings), agreement: agreement, remoteTag: tag, isForked: tag != nil,
      entropy: settings.entropy.fork("\(id)"))
    if settings.hearsTonesAsDigits { call?.listenForDigits() }
  }

  /// What came before there was a stream: handshakes, then media as of its time.
  private mutating func takeEarly(at now: Instant, _ out: inout Outbox) {
    for arrival in early { call?.receive(arrival, at: now, &out) }
    early = []
    for packet in earlyMedia?.takeAll(at: now) ?? [] { call?.receive(packet.arrival, at: packet.at, &out) }
  }

  /// The call's own stream ends, with the association under it.
  mutating func close(at now: Instant, _ out: inout Outbox) {
    call?.handle(.stop, at: now, &out)
    call?.handle(.close, at: now, &out)
  }

  private func configuration(_ pair: MediaPorts.PairID, cname: String, _ settings: Settings) -> MediaStream.Configuration {
    var configuration = MediaStream.Configuration(
      cname: cname, rtpPort: MediaPorts.rtp(pair), rtcpPort: MediaPorts.rtcp(pair), dialog: id.rawValue, sendsAudio: settings.sendsAudio,
      rekey: settings.rekey, identity: settings.identity, epoch: settings.epoch)
    configuration.firstSequence = settings.firstSequence
    configuration.reception = settings.reception
    (configuration.earlyRTP, configuration.listening) = (settings.earlyRTP, settings.listening)
    return configuration
  }

  /// The call's media is at other ports from now on.
  mutating func move(to pair: MediaPorts.PairID, at place: TransportAddress, at now: Instant, _ out: inout Outbox) {
    call?.handle(.move(rtp: MediaPorts.rtp(pair), rtcp: MediaPorts.rtcp(pair), place), at: now, &out)
  }

  // MARK: - Music

  mutating func openMusic(_ pair: MediaPorts.PairID) { music = .opening(pair, awaited: nil) }

  var hasMusic: Bool { music != nil }

  /// The music server's ports are open.
  mutating func musicOpened(_ settings: Settings, at now: Instant, _ out: inout Outbox) {
    guard case .opening(let pair, let awaited) = music else { return }
    music = .open(pair)
    if let awaited { play(awaited, pair, settings, at: now, &out) }
  }

  private mutating func play(
    _ agreement: AudioAgreement, _ pair: MediaPorts.PairID, _ settings: Settings, at now: Instant, _ out: inout Outbox
  ) {
    var stream = MediaStream(
      configuration(pair, cname: settings.musicCname, settings), agreement: agreement,
      entropy: settings.entropy.fork("\(id) music \(agreement.local.port)"))
    stream.handle(.start, at: now, &out)
    stream.handle(.play(.tone(Tone(frequency: settings.musicFrequency)), until: nil), at: now, &out)
    musicStream = stream
  }

  /// Ends the music; its ports are to be closed.
  mutating func closeMusic(at now: Instant, _ out: inout Outbox) -> MediaPorts.PairID? {
    defer { (music, musicStream) = (nil, nil) }
    musicStream?.handle(.stop, at: now, &out)
    musicStream?.handle(.close, at: now, &out)
    switch music {
    case .opening(let pair, _), .open(let pair): return pair
    case nil: return nil
    }
  }

  // MARK: - The world

  mutating func receive(_ arrival: Arrival, for use: MediaPorts.Use, at now: Instant, _ out: inout Outbox) {
    switch use {
    case .call, .next:
      // To ask a stream whether it is nil first would copy it, for each packet.
      let taken: Void? = call?.receive(arrival, at: now, &out)
      if taken == nil { keep(arrival, at: now) }
    case .music: musicStream?.receive(arrival, at: now, &out)
    }
  }

  private mutating func keep(_ arrival: Arrival, at now: Instant) {
    guard case .datagram(let port, from: let source, let bytes) = arrival else { return }
    guard DTLSConnection.isDTLS(bytes) else {
      if MultiplexedProtocol(bytes) == .rtp { _ = earlyMedia?.keep(arrival, at: now) }
      return
    }
    if early.count < Self.earlyLimit { early.append(.datagram(port, from: source, bytes.compacted())) }
  }

  mutating func wake(at now: Instant, _ out: inout Outbox) {
    call?.wake(at: now, &out)
    musicStream?.wake(at: now, &out)
  }

  /// What the call's stream heard, for another leg; false when there was nothing.
  mutating func takeHeard(into heard: inout AudioFrame) -> Bool { call?.takeHeard(into: &heard) ?? false }

  /// What another leg heard.
  mutating func hear(_ heard: AudioFrame) { call?.hear(heard) }

  /// What was noticed, and when to wake them. Nobody listens to what the held party sends to the music server.
  mutating func endTurn() -> (events: [MediaEvent], deadline: Instant?) {
    var turn: (events: [MediaEvent], deadline: Instant?) = call?.endTurn() ?? ([], nil)
    if let other = musicStream?.endTurn().deadline { turn.deadline = min(turn.deadline ?? other, other) }
    return turn
  }

  /// Whether a failure of a socket is to be reported: media goes on, and says so once for each stream and cause.
  mutating func isNew(_ failure: SocketFailure) -> Bool { failures.count < 16 && failures.insert(failure).inserted }
}

extension LegStreams.Settings {
  init(_ configuration: CallAgent.Configuration, identity: DTLSIdentity, entropy: Entropy, epoch: Epoch) {
    self.init(
      cname: "\(configuration.descriptions.originUser)@\(configuration.mediaAddress)",
      musicCname: "music@\(configuration.musicAddress ?? configuration.mediaAddress)",
      musicFrequency: configuration.habits.musicFrequency, sendsAudio: configuration.sendsMedia, rekey: configuration.rekey,
      firstSequence: configuration.firstSequence, earlyRTP: configuration.earlyRTP, reception: configuration.reception,
      listening: configuration.listening, hearsTonesAsDigits: configuration.hearsTonesAsDigits, identity: identity, entropy: entropy,
      epoch: epoch)
  }
}
