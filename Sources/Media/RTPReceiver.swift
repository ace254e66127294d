import Codecs
import Mark
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
  /// One or none: most streams of a load test have neither a buffer nor books.
  private var desk: [ReceptionDesk]
  private let conceals: Bool
  private var decoder: AudioDecoder
  private var frame: AudioFrame
  private let hearsTones: Bool
  private var tone: ToneDetector
  /// Those that somebody asked for.
  private var listeners: [any AudioSink] = []
  private(set) var faults = PayloadFaults()
  /// What was heard since it was taken, for a bridge; empty where there is none.
  private(set) var tap: [AudioFrame] = []
  /// Hertz, in the order they began.
  private(set) var tones: [Int] = []

  /// - Parameters:
  ///   - packetTime: in milliseconds, as agreed.
  ///   - number: of the stream, for a tape.
  init(
    codec: Codec, _ settings: ReceptionSettings = ReceptionSettings(), packetTime: Int = 20, listening: AudioListening = .none,
    number: UInt32 = 0
  ) {
    desk = ReceptionDesk(settings, packetTime: packetTime, clockRate: codec.clockRate).map { [$0] } ?? []
    conceals = settings.jitterBuffer != .none
    decoder = codec.decoder
    frame = AudioFrame(sampleRate: codec.sampleRate)
    hearsTones = listening.hearsTones
    tone = ToneDetector(sampleRate: codec.sampleRate)
    if listening.hearsMarks { listeners.append(MarkListener()) }
    if let tape = listening.tape { listeners.append(TapeListener(tape: tape, stream: number)) }
  }

  var codec: Codec { decoder.codec }

  /// The stream itself speaks with this mark.
  mutating func speaks(_ own: MarkSpeaker) { for index in listeners.indices { listeners[index].speaks(own) } }

  /// Nothing follows.
  mutating func finish(_ events: inout [MediaEvent]) { for index in listeners.indices { listeners[index].finish(&events) } }

  /// Digits in the audio are heard from now on.
  mutating func listenForDigits() { if !listeners.contains(where: { $0 is DigitListener }) { listeners.append(DigitListener()) } }

  var packetsReceived: UInt32 { earlier.reduce(receivedBefore + (statistics?.received ?? 0)) { $0 + $1.received } }
  var packetsLost: Int { earlier.reduce(lostBefore + (statistics?.lost ?? 0)) { $0 + $1.lost } }

  /// Of the payload that came, in bit/s, as long as packets came; the packet time is in milliseconds.
  func bitRate(packetTime: Int) -> Int? {
    let milliseconds = Int(packetsReceived) * packetTime
    return milliseconds > 0 ? Int(octetsReceived) * 8_000 / milliseconds : nil
  }

  /// Takes a packet of the peer's.
  ///
  /// - Parameters:
  ///   - format: what its payload type stands for; nil = comfort noise.
  ///   - clockRate: of the stream, in ticks a second.
  mutating func receive(
    _ packet: RTPPacket, _ format: AudioFormat?, clockRate: Int, at now: Instant, _ events: inout [MediaEvent]
  ) {
    let isInOrder = statistics.map { $0.ssrc != packet.ssrc || $0.isAhead(packet.sequenceNumber) } ?? true
    let isNewSource = statistics?.ssrc != packet.ssrc
    if isNewSource { begin(packet, clockRate: clockRate, &events) }
    if case .codec = format { statistics?.change(clockRate: clockRate) }
    // All packets of an event have the time at which it began (RFC 4733 §2.2.1): they say nothing of the delay.
    statistics?.receive(
      sequence: packet.sequenceNumber, timestamp: format?.isEvent == true ? nil : packet.timestamp, at: now)
    octetsReceived &+= UInt32(truncatingIfNeeded: packet.payload.count)
    guard !desk.isEmpty else {
      if isInOrder, case .codec(let name) = format { hear(packet.payload, name.spoken, at: now, &events) }
      return
    }
    playOut(at: now, &events)
    book(packet, format, isInOrder: isInOrder, isNewSource: isNewSource, at: now)
    if !conceals, isInOrder, case .codec(let name) = format { hear(packet.payload, name.spoken, at: now, &events) }
  }

  private mutating func book(_ packet: RTPPacket, _ format: AudioFormat?, isInOrder: Bool, isNewSource: Bool, at now: Instant) {
    var content = format?.isEvent == true ? BufferedPacket.Content.event : .noise
    var (ticks, clockRate) = (0, decoder.codec.clockRate)
    if case .codec(let name) = format {
      let codec = name.spoken
      content = .audio(codec, packet.payload)
      (ticks, clockRate) = (codec.duration(of: packet.payload), codec.clockRate)
    }
    let buffered = BufferedPacket(
      ssrc: packet.ssrc, sequence: packet.sequenceNumber, timestamp: packet.timestamp, content: content, ticks: ticks, arrival: now)
    desk[0].take(
      buffered, clockRate: clockRate, jitter: statistics?.jitterMilliseconds ?? 0, isInOrder: isInOrder, isNewSource: isNewSource)
  }

  /// From now on what is heard is kept for a bridge, or no longer.
  mutating func setTapped(_ isTapped: Bool) {
    guard isTapped == tap.isEmpty else { return }
    tap = isTapped ? [AudioFrame(sampleRate: frame.sampleRate)] : []
  }

  private mutating func keep(_ frame: AudioFrame) {
    if tap[0].sampleRate != frame.sampleRate {
      tap[0].sampleRate = frame.sampleRate
      tap[0].samples.removeAll(keepingCapacity: true)
    }
    tap[0].samples.append(contentsOf: frame.samples)
  }

  /// Puts what was heard since the last time into `heard`, whose memory is kept instead; false when there was nothing.
  mutating func takeHeard(into heard: inout AudioFrame) -> Bool {
    guard !tap.isEmpty, !tap[0].samples.isEmpty else { return false }
    heard.samples.removeAll(keepingCapacity: true)
    heard.sampleRate = tap[0].sampleRate
    swap(&heard.samples, &tap[0].samples)
    return true
  }

  /// Takes a packet of the peer's whose payload type nobody has named: it is part of the stream, and nothing can be made of it.
  mutating func receiveUnknown(_ packet: RTPPacket, at now: Instant) {
    faults.unknownTypes &+= 1
    guard statistics?.ssrc == packet.ssrc else { return }
    statistics?.receive(sequence: packet.sequenceNumber, timestamp: nil, at: now)
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

  /// It plays by a clock of its own, whether packets come or not.
  var isBuffered: Bool { !desk.isEmpty }

  /// Plays what is due by now, if anything waits.
  mutating func playOut(at now: Instant, _ events: inout [MediaEvent]) {
    guard !desk.isEmpty else { return }
    while let (playout, due) = desk[0].next(at: now) {
      switch playout {
      case .frame(let packet): if case .audio(let codec, let payload) = packet.content { hear(payload, codec, at: due, &events) }
      case .lost(let milliseconds, let next):
        if let next, case .audio(let codec, let payload) = next.content, decoder.codec == codec {
          decoder.recover(payload, milliseconds: milliseconds, into: &frame)
        } else {
          decoder.conceal(milliseconds: milliseconds, into: &frame)
        }
        sink(due, &events)
      case .underrun(let milliseconds), .stretched(let milliseconds):
        decoder.conceal(milliseconds: milliseconds, into: &frame)
        sink(due, &events)
      case .silence(let milliseconds):
        frame.resize(decoder.codec.samples(milliseconds: milliseconds))
        for index in frame.samples.indices { frame.samples[index] = 0 }
        sink(due, &events)
      case .skipped: break
      }
    }
  }

  private mutating func hear(_ payload: Bytes, _ codec: Codec, at time: Instant, _ events: inout [MediaEvent]) {
    if decoder.codec != codec { decoder = codec.decoder }
    guard hearsTones || !listeners.isEmpty || !tap.isEmpty else { return }
    faults.count(decoder.decode(payload, into: &frame))
    sink(time, &events)
  }

  private mutating func sink(_ time: Instant, _ events: inout [MediaEvent]) {
    frame.time = time
    hear(frame, &events)
  }

  /// Hands a frame to all who listen.
  mutating func hear(_ frame: AudioFrame, _ events: inout [MediaEvent]) {
    let before = events.count
    // A mark changes its tone within each window: no window has one tone.
    if !hearsTones || !tone.isBusy && listeners.contains(where: \.isMarked) { tone.skip() } else { tone.take(frame, &events) }
    for index in listeners.indices { listeners[index].take(frame, &events) }
    if !tap.isEmpty { keep(frame) }
    for event in events[before...] { if case .toneHeard(let frequency) = event { tones.append(frequency) } }
  }

  /// What the buffer did; nil without one.
  var bufferCounts: JitterBufferCounts? { desk.first?.buffer?.counts }
  /// Loss by interval; nil where nobody asked for it.
  var figures: ReceptionLedger.Figures? { desk.first?.figures }

  /// The block for the next report; nil before the first packet.
  mutating func report(lastSenderReport: UInt32, delaySinceLastSenderReport: UInt32) -> ReceptionReport? {
    statistics?.report(lastSenderReport: lastSenderReport, delaySinceLastSenderReport: delaySinceLastSenderReport)
  }
}
