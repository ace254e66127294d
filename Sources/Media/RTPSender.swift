import Codecs
import RTP
import SansIO

/// The packets of our own source: frames of audio, encoded and numbered (RFC 3550 §5.1).
struct RTPSender: Sendable {
  let ssrc: UInt32
  private var sequence: UInt16
  /// Of the next packet.
  private(set) var timestamp: UInt32
  private(set) var packetsSent: UInt32 = 0
  /// Of payload.
  private(set) var octetsSent: UInt32 = 0
  private var isTalkspurtStart = true
  private(set) var codec: Codec
  private var encoder: AudioEncoder
  private var source: any AudioSource = SilentSource()
  /// When silence follows; nil = never.
  private var sourceEnd: Instant?
  private var frame: AudioFrame
  /// Digits in the audio; empty until one is asked for.
  private var tones: [DigitTones] = []
  /// What another stream hears, instead of silence; empty where there is no bridge.
  private var bridge: [BridgeSource] = []

  /// - Parameters:
  ///   - firstSequence: nil = drawn.
  ///   - isProtected: it goes out as SRTP. Drawn from the lower half then: a wrap before the receiver has its keys, or while nothing
  ///     arrives, would leave the two with different rollover counters (RFC 3711 §3.3.1).
  init(codec: Codec, firstSequence: UInt16? = nil, isProtected: Bool = false, entropy: inout Entropy) {
    self.codec = codec
    encoder = codec.encoder
    frame = AudioFrame(sampleRate: codec.sampleRate)
    ssrc = UInt32(truncatingIfNeeded: entropy.next())
    let drawn = UInt16(truncatingIfNeeded: entropy.next())
    sequence = firstSequence ?? (isProtected ? drawn & 0x7FFF : drawn)
    timestamp = UInt32(truncatingIfNeeded: entropy.next())
  }

  /// Sends this instead of silence from the next packet on.
  mutating func play(_ audio: SpokenAudio, until end: Instant?) {
    source = audio.source(sampleRate: codec.sampleRate)
    sourceEnd = end
    beginTalkspurt()
  }

  /// Sends digits as tones instead of the source.
  mutating func press(_ plan: DigitPlan) {
    if tones.isEmpty { tones.append(DigitTones()) }
    tones[0].press(plan, sampleRate: codec.sampleRate)
  }

  var isSendingTones: Bool { tones.first.map { !$0.isIdle } ?? false }

  /// Takes what another stream heard; a tone that is asked for goes before it.
  mutating func hear(_ heard: AudioFrame) {
    if bridge.isEmpty { bridge.append(BridgeSource()) }
    bridge[0].put(heard, for: codec.sampleRate)
  }

  mutating func unbridge() { bridge = [] }

  /// The next packet has the marker, which tells the peer's jitter buffer that speech begins anew (RFC 3551 §4.1).
  mutating func beginTalkspurt() { isTalkspurtStart = true }

  mutating func change(to codec: Codec) {
    guard codec != self.codec else { return }
    self.codec = codec
    encoder = codec.encoder
    frame.sampleRate = codec.sampleRate
  }

  /// The next packet, and its sequence number; nil where DTX leaves it out (RFC 7587 §3.1.3): the clock goes on, and a talkspurt follows.
  mutating func packet(payloadType: UInt8, milliseconds: Int, due: Instant) -> (bytes: [UInt8], sequence: UInt16)? {
    prepare(milliseconds, due: due)
    fill()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(RTPPacket.headerSize + codec.usualPayload(milliseconds: milliseconds))
    RTPPacket.appendHeader(
      to: &bytes, payloadType: payloadType, marker: isTalkspurtStart, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
    let isWorthSending = encoder.encode(frame, into: &bytes)
    timestamp &+= codec.ticks(milliseconds: milliseconds)
    guard isWorthSending else {
      isTalkspurtStart = true
      return nil
    }
    defer { sequence &+= 1 }
    packetsSent &+= 1
    octetsSent &+= UInt32(bytes.count - RTPPacket.headerSize)
    isTalkspurtStart = false
    return (bytes, sequence)
  }

  private mutating func fill() {
    if !tones.isEmpty, tones[0].fill(&frame) { return source.skip(frame) }
    if !bridge.isEmpty, source is SilentSource { bridge[0].fill(&frame) } else { source.fill(&frame) }
  }

  /// A packet of telephone-event in the place of the next one: the timestamp of the audio goes on under it (RFC 4733 §2.1).
  mutating func event(
    _ packet: EventSender.Packet, payloadType: UInt8, milliseconds: Int, due: Instant
  ) -> (bytes: [UInt8], sequence: UInt16) {
    skip(milliseconds: milliseconds, due: due)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(RTPPacket.headerSize + TelephoneEvent.size)
    RTPPacket.appendHeader(
      to: &bytes, payloadType: payloadType, marker: packet.marker, sequenceNumber: sequence, timestamp: packet.timestamp, ssrc: ssrc)
    packet.event.append(to: &bytes)
    defer { sequence &+= 1 }
    packetsSent &+= 1
    octetsSent &+= UInt32(TelephoneEvent.size)
    return (bytes, sequence)
  }

  /// Lets the time of a packet pass in which nothing may be sent: the timestamp goes on, the sequence number does not.
  mutating func skip(milliseconds: Int, due: Instant) {
    prepare(milliseconds, due: due)
    source.skip(frame)
    timestamp &+= codec.ticks(milliseconds: milliseconds)
  }

  /// A packet of ours did not leave: it is not counted, neither here nor in sender reports (RFC 3550 §6.4.1).
  mutating func uncount(octets: Int) {
    guard packetsSent > 0 else { return }
    packetsSent -= 1
    octetsSent &-= UInt32(clamping: max(0, octets - RTPPacket.headerSize))
  }

  private mutating func prepare(_ milliseconds: Int, due: Instant) {
    if let end = sourceEnd, end <= due {
      source = SilentSource()
      sourceEnd = nil
      isTalkspurtStart = true
    }
    frame.time = due
    frame.resize(codec.samples(milliseconds: milliseconds))
  }
}
