import Codecs
import SansIO
import Testing

@testable import Media

/// Packets on their way, and what a buffer makes of them.
struct PlayoutBench {
  static let packet: Int64 = 20_000_000
  var packets: [BufferedPacket] = []
  private var sequence: UInt16
  private var timestamp: UInt32
  var ssrc: UInt32 = 5

  init(sequence: UInt16 = 100, timestamp: UInt32 = 1_000) { (self.sequence, self.timestamp) = (sequence, timestamp) }

  /// The next packet, in nanoseconds.
  mutating func send(at time: Int64, ticks: Int = 160, content: BufferedPacket.Content? = nil, isLost: Bool = false, copies: Int = 1) {
    let payload = Bytes([UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: ticks))
    let packet = BufferedPacket(
      ssrc: ssrc, sequence: sequence, timestamp: timestamp, content: content ?? .audio(.g711(.mu), payload),
      ticks: content == nil ? ticks : 0,
      arrival: Instant(nanoseconds: time))
    if !isLost { packets += [BufferedPacket](repeating: packet, count: copies) }
    sequence &+= 1
    if content == nil { timestamp &+= UInt32(ticks) }
  }

  mutating func silence(ticks: UInt32) { timestamp &+= ticks }
  mutating func jump(sequence step: UInt16) { sequence &+= step }

  /// - Parameters:
  ///   - cadence: how often the buffer is asked besides; nil = when packets come alone.
  func run(_ mode: JitterBufferMode, cadence: Int64? = packet, until extra: Int64 = 0) -> (buffer: JitterBuffer, played: [(Playout, Int64)])
  {
    guard var buffer = JitterBuffer(mode, packetTime: 20, clockRate: 8_000) else { preconditionFailure("no buffer") }
    var (played, clock) = ([(Playout, Int64)](), Int64(0))
    func drain(_ now: Int64) {
      while let (playout, due) = buffer.next(at: Instant(nanoseconds: now)) { played.append((playout, due.nanoseconds)) }
    }
    for packet in packets.enumerated().sorted(by: {
      ($0.element.arrival.nanoseconds, $0.offset) < ($1.element.arrival.nanoseconds, $1.offset)
    }).map(\.element) {
      if let cadence {
        while clock < packet.arrival.nanoseconds {
          drain(clock)
          clock += cadence
        }
      }
      drain(packet.arrival.nanoseconds)
      _ = buffer.insert(packet, clockRate: 8_000)
    }
    drain((packets.last?.arrival.nanoseconds ?? 0) + extra)
    return (buffer, played)
  }

  /// What is heard: numbers of frames, `L` lost, `R` lost with the next one known, `U` underrun, `S` silence, `G` the delay grows, `X` left
  /// out.
  static func text(_ played: [(Playout, Int64)]) -> String {
    played.map { playout, _ in
      switch playout {
      case .frame(let packet): "\(packet.sequence)"
      case .lost(_, let next): next == nil ? "L" : "R"
      case .underrun: "U"
      case .silence: "S"
      case .stretched: "G"
      case .skipped: "X"
      }
    }.joined(separator: " ")
  }
}

@Suite struct JitterBufferTests {
  private let packet = PlayoutBench.packet

  private func steady(_ count: Int, _ change: (Int, inout PlayoutBench) -> Bool = { _, _ in false }) -> PlayoutBench {
    var bench = PlayoutBench()
    for index in 0..<count where !change(index, &bench) { bench.send(at: Int64(index) * packet) }
    return bench
  }

  @Test func `each frame is played so long after the fastest, in the times in which they were made (RFC 3550 §5.1)`() {
    let (buffer, played) = steady(50).run(.fixed(.milliseconds(60)), until: 80_000_000)
    #expect(PlayoutBench.text(played) == (100..<150).map(String.init).joined(separator: " ") + " U")
    #expect(played.enumerated().allSatisfy { $0.element.1 == 60_000_000 + Int64($0.offset) * packet })
    #expect(buffer.counts.played == 50 && buffer.counts.lost == 0 && buffer.counts.underruns == 0 && buffer.counts.late == 0)
  }

  @Test func `a packet that was overtaken is played in its place, a copy is not`() {
    var bench = PlayoutBench()
    for index in 0..<8 { bench.send(at: Int64(index == 3 ? 5 : index) * packet, copies: index == 4 ? 2 : 1) }
    let (buffer, played) = bench.run(.fixed(.milliseconds(60)), until: 70_000_000)
    #expect(PlayoutBench.text(played) == "100 101 102 103 104 105 106 107")
    #expect(buffer.counts.reordered == 1 && buffer.counts.duplicates == 1 && buffer.counts.late == 0 && buffer.counts.lost == 0)
  }

  @Test func `what is lost is told with the packet behind it where that is there (RFC 6716 §2.1.7)`() {
    let bench = steady(10) { index, bench in
      guard [3, 6, 7].contains(index) else { return false }
      bench.send(at: 0, isLost: true)
      return true
    }
    let (buffer, played) = bench.run(.fixed(.milliseconds(60)), until: 70_000_000)
    #expect(PlayoutBench.text(played) == "100 101 102 R 104 105 L R 108 109")
    #expect(buffer.counts.lost == 3 && buffer.counts.concealed == 3 && buffer.counts.underruns == 0)
  }

  @Test func `a fixed delay drops what is late, and the stream stays in its time`() {
    var bench = PlayoutBench()
    for index in 0..<10 { bench.send(at: Int64(index) * packet + (index == 4 ? 90_000_000 : 0)) }
    let (buffer, played) = bench.run(.fixed(.milliseconds(40)), until: 50_000_000)
    #expect(PlayoutBench.text(played) == "100 101 102 103 R 105 106 107 108 109")
    #expect(buffer.counts.late == 1 && buffer.counts.discarded == 1 && buffer.counts.lost == 0)
    #expect(buffer.counts.maximumDelay == .milliseconds(40))
  }

  @Test func `an adaptive one grows at once by as many packet times as the packet was late`() {
    var bench = PlayoutBench()
    for index in 0..<20 { bench.send(at: Int64(index) * packet + (index >= 4 ? 70_000_000 : 0)) }
    let (buffer, played) = bench.run(.adaptive, until: 15_000_000)
    #expect(PlayoutBench.text(played) == "100 101 102 103 U U " + (104..<120).map(String.init).joined(separator: " "))
    #expect(buffer.counts.late == 1 && buffer.counts.discarded == 0 && buffer.counts.lost == 0 && buffer.counts.underruns == 2)
    #expect(buffer.counts.maximumDelay == .milliseconds(80))
  }

  @Test func `it does not grow beyond its maximum`() {
    var bench = PlayoutBench()
    for index in 0..<400 { bench.send(at: Int64(index) * packet + (index % 20 == 10 ? 250_000_000 : 0)) }
    let (buffer, _) = bench.run(.adaptive(minimum: .milliseconds(20), maximum: .milliseconds(100)))
    #expect(buffer.counts.maximumDelay <= .milliseconds(100))
    #expect(buffer.counts.late >= 19 && buffer.counts.discarded >= 18)
  }

  @Test func `silence is neither loss nor underrun: time without a gap in the numbers (RFC 3550 §5.1, RFC 3551 §4.1)`() {
    var bench = PlayoutBench()
    for index in 0..<10 { bench.send(at: Int64(index) * packet) }
    bench.silence(ticks: 160 * 100)
    for index in 110..<120 { bench.send(at: Int64(index) * packet) }
    for mode in [JitterBufferMode.adaptive, .fixed(.milliseconds(60))] {
      let (buffer, _) = bench.run(mode, until: 100_000_000)
      #expect(buffer.counts.played == 20 && buffer.counts.lost == 0 && buffer.counts.underruns == 0 && buffer.counts.late == 0)
      #expect(buffer.counts.silent > 0 && buffer.counts.concealed == 0 && buffer.counts.resets == 0)
    }
  }

  @Test func `comfort noise and telephone-events have numbers of the stream and are no loss (RFC 3389 §4, RFC 4733 §2.2.1)`() {
    var bench = PlayoutBench()
    for index in 0..<10 { bench.send(at: Int64(index) * packet) }
    bench.send(at: 10 * packet, content: .noise)
    bench.silence(ticks: 160 * 30)
    for index in 40..<50 { bench.send(at: Int64(index) * packet) }
    for index in 50..<60 { bench.send(at: Int64(index) * packet, content: .event) }
    bench.silence(ticks: 160 * 10)
    for index in 60..<70 { bench.send(at: Int64(index) * packet) }
    for mode in [JitterBufferMode.adaptive, .fixed(.milliseconds(60))] {
      let (buffer, played) = bench.run(mode, until: 100_000_000)
      #expect(buffer.counts.played == 30 && buffer.counts.lost == 0 && buffer.counts.underruns == 0 && buffer.counts.concealed == 0)
      let spurious = played.contains { if case .lost = $0.0 { true } else { false } }
      #expect(!spurious && buffer.counts.resets == 0)
    }
  }

  @Test func `numbers and timestamps wrap (RFC 3550 §5.1)`() {
    var bench = PlayoutBench(sequence: 65_530, timestamp: UInt32.max - 1_000)
    for index in 0..<200_000 { bench.send(at: Int64(index) * packet) }
    let (buffer, _) = bench.run(.adaptive, until: 80_000_000)
    #expect(buffer.counts.played == 200_000 && buffer.counts.lost == 0, "\(buffer.counts)")
    #expect(buffer.counts.late == 0 && buffer.counts.resets == 0)
  }

  @Test func `another SSRC begins at once, a far number when the next one follows, a far timestamp at once`() {
    var bench = PlayoutBench()
    for index in 0..<50 { bench.send(at: Int64(index) * packet) }
    bench.ssrc = 6
    for index in 50..<100 { bench.send(at: Int64(index) * packet) }
    bench.jump(sequence: 20_000)
    for index in 100..<150 { bench.send(at: Int64(index) * packet) }
    bench.silence(ticks: 8_000_000)
    for index in 150..<200 { bench.send(at: Int64(index) * packet) }
    let (buffer, played) = bench.run(.fixed(.milliseconds(40)), until: 100_000_000)
    #expect(buffer.counts.sourceChanges == 1 && buffer.counts.sequenceJumps == 1 && buffer.counts.clockJumps == 1)
    #expect(buffer.counts.lost == 0 && played.suffix(40).allSatisfy { if case .underrun = $0.0 { true } else { $0.0.isFrame } })
    #expect(buffer.counts.played >= 190)
  }

  @Test func `one packet of another numbering is passed over (RFC 3550 §A.1)`() {
    var bench = steady(20)
    var stray = bench.packets[10]
    stray.sequence &+= 30_000
    bench.packets.insert(stray, at: 10)
    let (buffer, _) = bench.run(.fixed(.milliseconds(40)), until: 50_000_000)
    #expect(buffer.counts.played == 20 && buffer.counts.resets == 0)
  }

  @Test func `packets may hold another time each, and another codec`() {
    var bench = PlayoutBench()
    var time: Int64 = 0
    for index in 0..<60 {
      let ticks = [160, 80, 240, 320][index / 15]
      time += Int64(ticks) * 125_000
      bench.send(at: time, ticks: ticks)
    }
    bench.packets[30].content = .audio(.g711(.a), Bytes([UInt8](repeating: 0xD5, count: 240)))
    let (buffer, _) = bench.run(.fixed(.milliseconds(60)), until: 100_000_000)
    #expect(buffer.counts.played == 60 && buffer.counts.lost == 0 && buffer.counts.underruns == 0)
    #expect(buffer.counts.delay == .milliseconds(60))
  }

  @Test(arguments: [-100.0, 100.0], [JitterBufferMode.adaptive, .fixed(.milliseconds(60))])
  func `a sender whose clock is off by 100 ppm for 30 minutes neither fills nor empties it`(ppm: Double, mode: JitterBufferMode) {
    var bench = PlayoutBench()
    var generator = SeededGenerator(seed: 3)
    for index in 0..<90_000 {
      bench.send(at: Int64(Double(index) * Double(packet) * (1 + ppm / 1e6)) + Int64.random(in: 0...4_000_000, using: &generator))
    }
    let (buffer, _) = bench.run(mode, cadence: nil, until: 100_000_000)
    #expect(buffer.counts.maximumDelay <= .milliseconds(85))
    #expect(buffer.counts.underruns <= 10 && buffer.counts.late <= 10 && buffer.counts.resets == 0)
    #expect(buffer.counts.discarded <= 15 && buffer.counts.lost == 0 && buffer.counts.played >= 89_980)
  }

  @Test(arguments: 1...20)
  func `through 200 ms of jitter an adaptive one plays nearly all of it after a while, in order`(seed: UInt64) {
    var (bench, generator) = (PlayoutBench(), SeededGenerator(seed: seed))
    for index in 0..<3_000 { bench.send(at: Int64(index) * packet + Int64.random(in: 0...200_000_000, using: &generator)) }
    let (buffer, played) = bench.run(.adaptive, until: 400_000_000)
    #expect(buffer.counts.played >= 2_940 && buffer.counts.maximumDelay <= .milliseconds(300))
    #expect(buffer.counts.late <= 30 && buffer.counts.resets == 0)
    let numbers = played.compactMap { if case .frame(let packet) = $0.0 { Int(packet.sequence) } else { nil } }
    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
    #expect(buffer.counts.played + buffer.counts.discarded == 3_000)
  }

  @Test func `what the jitter has left behind goes in a silence at once, in speech packet by packet`() {
    func delay(hasSilence: Bool) -> Duration {
      var bench = PlayoutBench()
      var time: Int64 = 0
      for index in 0..<5_000 {
        if hasSilence, index > 1_000, index % 500 == 0 {
          bench.silence(ticks: 160 * 20)
          time += 20 * packet
        }
        bench.send(at: time + (index == 100 ? 220_000_000 : 0))
        time += packet
      }
      return bench.run(.adaptive, until: 400_000_000).buffer.counts.delay
    }
    #expect(delay(hasSilence: false) <= .milliseconds(120))
    #expect(delay(hasSilence: true) <= delay(hasSilence: false))
  }

  @Test(arguments: 1...10)
  func `whoever asks it when, the same is played at the same time`(seed: UInt64) {
    var (bench, generator) = (PlayoutBench(), SeededGenerator(seed: seed))
    for index in 0..<500 {
      let jitter = Int64.random(in: 0...90_000_000, using: &generator)
      bench.send(at: Int64(index) * packet + jitter, isLost: Int.random(in: 0..<10, using: &generator) == 0)
    }
    let often = bench.run(.adaptive, cadence: 1_000_000, until: 300_000_000)
    let seldom = bench.run(.adaptive, cadence: nil, until: 300_000_000)
    #expect(PlayoutBench.text(often.played) == PlayoutBench.text(seldom.played))
    #expect(often.played.map(\.1) == seldom.played.map(\.1))
    #expect(often.buffer.counts == seldom.buffer.counts)
  }

  @Test func `a path that is slower from now on is followed`() {
    for mode in [JitterBufferMode.adaptive, .fixed(.milliseconds(60))] {
      var bench = PlayoutBench()
      for index in 0..<1_500 { bench.send(at: Int64(index) * packet + (index >= 500 ? 600_000_000 : 0)) }
      let (buffer, _) = bench.run(mode, until: 800_000_000)
      #expect(buffer.counts.played >= 1_470, "\(mode) \(buffer.counts)")
      #expect(buffer.counts.maximumDelay <= .milliseconds(320))
    }
  }

  @Test func `a burst that was held back for two seconds does not stay in the buffer`() {
    var bench = PlayoutBench()
    for index in 0..<1_500 { bench.send(at: max(Int64(index) * packet, (500..<600).contains(index) ? 600 * packet : 0)) }
    let (buffer, _) = bench.run(.adaptive, until: 400_000_000)
    #expect(buffer.counts.delay <= .milliseconds(300) && buffer.counts.played >= 1_300)
  }
}

extension Playout {
  var isFrame: Bool { if case .frame = self { true } else { false } }
}
