import Codecs
import RTP
import SIPMessage
import SansIO

/// A digit that packets show, whatever its way.
public struct SeenDigit: Hashable, Sendable {
  public var digit: Digit
  public var way: DigitWay
  /// nil where nothing says so.
  public var milliseconds: Int?
  /// Where it began.
  public var stamp: FrameStamp

  public init(_ digit: Digit, _ way: DigitWay, milliseconds: Int?, _ stamp: FrameStamp) {
    (self.digit, self.way, self.milliseconds, self.stamp) = (digit, way, milliseconds, stamp)
  }
}

extension EventCourse {
  /// The events that are keys of a telephone.
  public var digits: [SeenDigit] {
    events.compactMap { event in
      Digit(code: event.code).map { SeenDigit($0, .rfc4733, milliseconds: event.milliseconds, event.first) }
    }
  }
}

/// A digit in the body of INFO, read by the form that products use and by no code of the stack.
struct InfoDigits {
  private(set) var list: [(digit: SeenDigit, source: TransportAddress)] = []
  private static let most = 1_024

  mutating func take(_ message: ObservedMessage) {
    guard message.method == .info, message.status == nil, list.count < Self.most else { return }
    if let body = message.message.body(ofType: "application/dtmf-relay") { return relay(body, message) }
    if let body = message.message.body(ofType: "application/dtmf") { add(Self.digit(body.text), nil, message) }
  }

  private mutating func relay(_ body: Bytes, _ message: ObservedMessage) {
    func value(_ name: String) -> String? {
      for line in body.text.split(whereSeparator: \.isNewline) {
        guard let equals = line.firstIndex(of: "=") else { continue }
        if line[..<equals].filter({ !$0.isWhitespace }).lowercased() == name { return String(line[line.index(after: equals)...]) }
      }
      return nil
    }
    let length = value("duration").flatMap { Int($0.filter { !$0.isWhitespace }) }
    add(value("signal").flatMap(Self.digit), length, message)
  }

  private mutating func add(_ digit: Digit?, _ milliseconds: Int?, _ message: ObservedMessage) {
    guard let digit else { return }
    list.append((SeenDigit(digit, .info, milliseconds: milliseconds, message.stamp), message.source))
  }

  private static func digit(_ text: String) -> Digit? {
    let word = text.filter { !$0.isWhitespace }
    if word.count == 1, let first = word.first { return Digit(first) }
    return word.count == 2 ? UInt8(word).flatMap { $0 >= 10 ? Digit(code: $0) : nil } : nil
  }
}

/// The digits in the audio of a stream of G.711, decoded by the reader's own tables.
struct ToneReader {
  /// Of all laws, one behind the other.
  private static let table = CompandingLaw.tables.joined().map { Int16(clamping: Int($0)) }

  private var detector = DTMFDetector(sampleRate: 8_000)
  private(set) var digits: [SeenDigit] = []
  private var next: UInt16?
  private var samples: [Int16] = []
  private static let most = 1_024

  /// What is missing between two packets ends a tone.
  mutating func take(_ packet: RTPPacket, _ law: CompandingLaw, _ stamp: FrameStamp) {
    if let next, next != packet.sequenceNumber {
      let ahead = Int16(bitPattern: packet.sequenceNumber &- next)
      guard ahead >= 0 else { return }
      if ahead < 3 { feed([Int16](repeating: 0, count: samples.count * Int(ahead)), stamp) }
    }
    next = packet.sequenceNumber &+ 1
    let first = law.place << 8
    if samples.count != packet.payload.count { samples = [Int16](repeating: 0, count: packet.payload.count) }
    samples.withUnsafeMutableBufferPointer { samples in
      Self.table.withUnsafeBufferPointer { table in
        packet.payload.withUnsafeBytes { octets in
          for index in 0..<octets.count { samples[index] = table[first | Int(octets[index])] }
        }
      }
    }
    feed(samples, stamp)
  }

  private mutating func feed(_ samples: [Int16], _ stamp: FrameStamp) {
    var found: [DTMFDetector.Found] = []
    detector.receive(samples) { found.append($0) }
    for tone in found where digits.count < Self.most {
      if let digit = Digit(code: tone.code) {
        digits.append(SeenDigit(digit, .inBand, milliseconds: tone.milliseconds, stamp.earlier(by: tone.milliseconds)))
      }
    }
  }

  mutating func finish(_ stamp: FrameStamp) {
    var found: [DTMFDetector.Found] = []
    detector.finish { found.append($0) }
    for tone in found {
      if let digit = Digit(code: tone.code) {
        digits.append(SeenDigit(digit, .inBand, milliseconds: tone.milliseconds, stamp.earlier(by: tone.milliseconds)))
      }
    }
  }
}

extension FrameStamp {
  /// The same frame, and the time so much before it.
  fileprivate func earlier(by milliseconds: Int) -> FrameStamp {
    FrameStamp(frame: frame, time: time &- Int64(milliseconds) * 1_000_000)
  }
}
