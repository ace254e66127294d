import Codecs
import RTP
import SDP
import SansIO

/// The packets of the peer's source: counted, put in order, decoded and handed to a sink.
struct RTPReceiver: Sendable {
  /// Of the present source; nil before the first packet.
  private(set) var statistics: ReceptionStatistics?
  /// Of sources heard before the present one: who comes back is counted on from where it was (RFC 3550 §6.4.1).
  private var earlier: [ReceptionStatistics] = []
  private static let mostEarlier = 8
  /// Of sources that were forgotten.
  private var (receivedBefore, lostBefore): (UInt32, Int) = (0, 0)
  /// Of payload.
  private(set) var octetsReceived: UInt32 = 0
  private var buffer = JitterBuffer()
  private var decoder: AudioDecoder
  private var frame: AudioFrame
  private var sink: any AudioSink
  /// Hertz, in the order they began.
  private(set) var tones: [Int] = []

  init(codec: Codec) {
    decoder = codec.decoder
    frame = AudioFrame(sampleRate: codec.sampleRate)
    sink = ToneDetector(sampleRate: codec.sampleRate)
  }

  var packetsReceived: UInt32 { earlier.reduce(receivedBefore + (statistics?.received ?? 0)) { $0 + $1.received } }
  var packetsLost: Int { earlier.reduce(lostBefore + (statistics?.lost ?? 0)) { $0 + $1.lost } }

  /// Takes a packet of the peer's.
  ///
  /// - Parameters:
  ///   - format: what its payload type stands for; nil = comfort noise.
  ///   - clockRate: of the stream, in ticks a second.
  mutating func receive(
    _ packet: RTPPacket, _ format: AudioFormat?, clockRate: Int, at now: Instant, _ events: inout [MediaEvent]
  ) {
    let isInOrder = statistics.map { $0.ssrc != packet.ssrc || $0.isAhead(packet.sequenceNumber) } ?? true
    if statistics?.ssrc != packet.ssrc { begin(packet, clockRate: clockRate, &events) }
    // All packets of an event have the time at which it began (RFC 4733 §2.2.1): they say nothing of the delay.
    statistics?.receive(
      sequence: packet.sequenceNumber, timestamp: format == .telephoneEvent ? nil : packet.timestamp, at: now)
    octetsReceived &+= UInt32(truncatingIfNeeded: packet.payload.count)
    guard case .codec(let name) = format, let codec = name.spoken else { return }
    let received = ReceivedFrame(payload: packet.payload, codec: codec, isInOrder: isInOrder, arrival: now)
    if let next = buffer.insert(received) { play(next, &events) }
  }

  private mutating func begin(_ packet: RTPPacket, clockRate: Int, _ events: inout [MediaEvent]) {
    if let old = statistics { earlier.append(old) } else { events.append(.firstPacketReceived) }
    if let known = earlier.firstIndex(where: { $0.ssrc == packet.ssrc }) {
      statistics = earlier.remove(at: known)
      return
    }
    if earlier.count > Self.mostEarlier {
      let oldest = earlier.removeFirst()
      receivedBefore += oldest.received
      lostBefore += oldest.lost
    }
    statistics = ReceptionStatistics(ssrc: packet.ssrc, firstSequence: packet.sequenceNumber, clockRate: clockRate)
  }

  private mutating func play(_ received: ReceivedFrame, _ events: inout [MediaEvent]) {
    if decoder.codec != received.codec { decoder = received.codec.decoder }
    decoder.decode(received.payload, into: &frame)
    frame.time = received.arrival
    let before = events.count
    sink.take(frame, &events)
    for event in events[before...] { if case .toneHeard(let frequency) = event { tones.append(frequency) } }
  }

  /// The block for the next report; nil before the first packet.
  mutating func report(lastSenderReport: UInt32, delaySinceLastSenderReport: UInt32) -> ReceptionReport? {
    statistics?.report(lastSenderReport: lastSenderReport, delaySinceLastSenderReport: delaySinceLastSenderReport)
  }
}
