import Capture
import SIPMessage
import SansIO

/// Tells what one direction of a stream carries, and reads it.
public struct StreamReader {
  public enum Kind { case undecided, sip, tls, webSocket, relayed, other }
  enum Reading {
    case content(ContentReader.Reading)
    case tls(Bytes)
  }

  private var isTLS = false
  private var content = ContentReader()
  /// What TLS gave in clear; it may have begun before the capture.
  private var clear = ContentReader(isPatient: true)

  public var kind: Kind { isTLS ? .tls : content.kind }
  /// A hole in it may hide messages.
  var isRead: Bool { kind != .undecided && kind != .other }
  /// Bytes of a stream that carries nothing that is read, or has not shown what it is.
  public var otherBytes: Int { content.otherBytes }

  mutating func take(_ bytes: Bytes) -> [Reading] {
    guard !isTLS else { return [.tls(bytes)] }
    if content.kind == .undecided, let all = content.beginning(with: bytes), TLSRecordReader.begins(all) {
      isTLS = true
      content = ContentReader()
      return [.tls(all)]
    }
    return content.take(bytes).map(Reading.content)
  }

  /// Its sender has said its last.
  mutating func end() -> SIPReading? { isTLS ? clear.end() : content.end() }

  /// What TLS gave in clear.
  mutating func takeClear(_ bytes: Bytes) -> [ContentReader.Reading] { clear.take(bytes) }

  mutating func gap() {
    content.gap()
    clear.gap()
  }
}

/// Tells what a stream without TLS, or out of it, carries: SIP, WebSocket with SIP in it (RFC 7118), or packets of a capture agent (HEP3).
struct ContentReader {
  enum Reading {
    case sip(SIPReading)
    case webSocket(SIPReading)
    case relayed(Bytes)
  }

  private(set) var kind = StreamReader.Kind.undecided
  /// Whether SIP may begin anywhere, whatever came first.
  private let isPatient: Bool
  private var head = Bytes()
  private var framer = PassiveFramer()
  private var socket = WebSocketReader()
  private var relayed = RelayedFramer()
  private var others = 0
  /// Bytes of a WebSocket's.
  private var handshake = 0
  /// As long as it may be text of which nobody knows.
  private static let longestHead = 16_384

  init(isPatient: Bool = false) { self.isPatient = isPatient }

  var otherBytes: Int { others + head.count + socket.otherBytes + (socket.hasSIP ? 0 : handshake) }

  /// What the stream begins with, these bytes among it; nil as long as nobody can tell anything.
  func beginning(with bytes: Bytes) -> Bytes? {
    let all = head.isEmpty ? bytes : Bytes(head.array + bytes.array)
    return all.drop { $0 == 13 || $0 == 10 || $0 == 0 }.count >= 5 ? all : nil
  }

  mutating func take(_ bytes: Bytes) -> [Reading] {
    switch kind {
    case .sip: return framer.take(bytes).map(Reading.sip)
    case .webSocket: return socket.take(bytes).map(Reading.webSocket)
    case .relayed: return relayed.take(bytes).map(Reading.relayed)
    case .other, .tls:
      others += bytes.count
      return []
    case .undecided:
      let all = head.isEmpty ? bytes : Bytes(head.array + bytes.array)
      head = all.compacted()
      return decide(all)
    }
  }

  mutating func end() -> SIPReading? { kind == .sip ? framer.end() : nil }

  mutating func gap() {
    if kind == .undecided { head = Bytes() }
    framer.gap()
    socket.gap()
    relayed.gap()
  }

  private mutating func decide(_ all: Bytes) -> [Reading] {
    let content = all.drop { $0 == 13 || $0 == 10 || $0 == 0 }
    guard content.count >= 5 else { return [] }
    var rest = all
    if WebSocketReader.mayBeHandshake(content) {
      guard let end = WebSocketReader.endOfHandshake(content) else { return content.count < Self.longestHead ? [] : settle(.other, all) }
      guard WebSocketReader.isHandshake(content[0..<end]) else { return settle(.other, all) }
      (kind, rest) = (.webSocket, content[end..<content.count])
      handshake = end
    } else if content.starts(with: "HEP3".utf8) {
      (kind, rest) = (.relayed, content)
    } else if SIPRecognition.findStart(all, from: 0) != nil {
      kind = .sip
    } else if WebSocketReader.beginsInTheMiddle(all) {
      kind = .webSocket
    } else if isPatient {
      kind = .sip
    } else if all.count < Self.longestHead, SIPRecognition.couldBeText(all) {
      return []
    } else {
      kind = .other
    }
    return settle(kind, rest)
  }

  private mutating func settle(_ kind: StreamReader.Kind, _ rest: Bytes) -> [Reading] {
    self.kind = kind
    head = Bytes()
    return rest.isEmpty ? [] : take(rest)
  }
}

/// Cuts one direction of a stream into packets of a capture agent.
struct RelayedFramer {
  private var buffer = Bytes()

  mutating func take(_ bytes: Bytes) -> [Bytes] {
    buffer = buffer.isEmpty ? bytes : Bytes(buffer.array + bytes.array)
    var packets: [Bytes] = []
    while !buffer.isEmpty {
      guard let length = RelayedPacket.hepLength(buffer) else {
        // Behind a hole, up to where one begins again.
        guard buffer.count >= 6 else { break }
        buffer = Self.next(buffer)
        continue
      }
      guard length >= 6 else {
        buffer = Self.next(buffer)
        continue
      }
      guard buffer.count >= length else { break }
      packets.append(buffer[0..<length])
      buffer = buffer[length..<buffer.count]
    }
    buffer = buffer.compacted()
    return packets
  }

  mutating func gap() { buffer = Bytes() }

  /// From the next place where one may begin.
  private static func next(_ buffer: Bytes) -> Bytes {
    let rest = buffer[1..<buffer.count]
    let found = rest.withSpan { span in
      var place = 0
      while place < span.count, span[place] != 0x48 { place += 1 }
      return place
    }
    return rest[found..<rest.count]
  }
}
