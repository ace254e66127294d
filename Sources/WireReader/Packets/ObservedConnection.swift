import SansIO

/// One TCP connection: two directions, each with a reader of what it carries.
public final class ObservedConnection {
  public let number: Int
  public let client: TransportAddress
  public let server: TransportAddress
  private let keyLog: KeyLog
  private let clearText: ClearText?
  public private(set) var last: FrameStamp
  private var directions = (client: TCPDirection(), server: TCPDirection())
  private var readers = (client: StreamReader(), server: StreamReader())
  private var tls: TLSObserver?

  public init(
    number: Int, client: TransportAddress, server: TransportAddress, first: FrameStamp, keyLog: KeyLog, clearText: ClearText? = nil
  ) {
    self.clearText = clearText
    self.number = number
    self.client = client
    self.server = server
    self.keyLog = keyLog
    last = first
  }

  public var isFinished: Bool { directions.client.isFinished || directions.server.isFinished }
  /// Both sides said their last.
  public var isSilent: Bool { directions.client.isFinished && directions.server.isFinished }
  public var retransmissions: Int { directions.client.retransmissions + directions.server.retransmissions }
  public var lost: Int { directions.client.lost + directions.server.lost }
  public var otherBytes: Int { readers.client.otherBytes + readers.server.otherBytes }
  public var beganInTheMiddle: Bool { directions.client.beginsInTheMiddle || directions.server.beginsInTheMiddle }
  public var tlsFacts: TLSFacts? { tls?.facts }
  var clientRandom: Bytes? { tls?.clientRandom }

  public func take(
    _ segment: TCPSegment, from source: TransportAddress, _ payload: Bytes, whole: Int, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void
  ) {
    last = stamp
    let isClient = source == client
    if segment.flags.contains(.ack) {
      let freed =
        isClient ? directions.server.acknowledged(segment.acknowledgement) : directions.client.acknowledged(segment.acknowledgement)
      read(freed, fromClient: !isClient, stamp, sink)
    }
    let pieces =
      isClient ? directions.client.take(segment, payload, whole: whole) : directions.server.take(segment, payload, whole: whole)
    read(pieces, fromClient: isClient, stamp, sink)
    guard segment.flags.contains(.fin) || segment.flags.contains(.rst), !waitsForSecrets else { return }
    end(fromClient: isClient, at: segment.sequence &+ UInt32(truncatingIfNeeded: whole), stamp, sink)
  }

  /// A side has said its last: nothing more comes of a message that it began.
  private func end(fromClient: Bool, at number: UInt32, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) {
    guard fromClient ? directions.client.isComplete(before: number) : directions.server.isComplete(before: number) else { return }
    guard let cut = fromClient ? readers.client.end() : readers.server.end() else { return }
    sink(.sip(carried(cut, fromClient: fromClient, tls == nil ? .tcp : .tls, stamp)))
  }

  public func finish(_ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) {
    read(directions.client.finish(), fromClient: true, last, sink)
    read(directions.server.finish(), fromClient: false, last, sink)
    tls?.finish()
  }

  /// TLS records wait for their secrets.
  public var waitsForSecrets: Bool { tls?.waits ?? false }

  /// Secrets have come.
  public func retry(_ sink: (StreamEvent) -> Void) {
    guard let tls else { return }
    give(tls.retry(fromClient: true), &readers.client, fromClient: true, last, sink)
    give(tls.retry(fromClient: false), &readers.server, fromClient: false, last, sink)
  }

  private func read(_ pieces: [TCPDirection.Piece], fromClient: Bool, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) {
    for piece in pieces {
      if fromClient {
        take(piece, &readers.client, fromClient: true, stamp, sink)
      } else {
        take(piece, &readers.server, fromClient: false, stamp, sink)
      }
    }
  }

  private func take(
    _ piece: TCPDirection.Piece, _ reader: inout StreamReader, fromClient: Bool, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void
  ) {
    let transport: ObservedTransport = tls == nil ? .tcp : .tls
    switch piece {
    case .gap(let count):
      if reader.kind == .sip || reader.kind == .tls { sink(.gap(carried(count, fromClient: fromClient, transport, stamp))) }
      reader.gap()
      tls?.gap(fromClient: fromClient)
      show(.gap(count), reader.kind, fromClient: fromClient)
    case .bytes(let bytes):
      defer { if reader.kind != .tls { show(.bytes(bytes), reader.kind, fromClient: fromClient) } }
      for reading in reader.take(bytes) {
        switch reading {
        case .sip(let reading): sink(.sip(carried(reading, fromClient: fromClient, .tcp, stamp)))
        case .tls(let bytes): takeTLS(bytes, &reader, fromClient: fromClient, stamp, sink)
        }
      }
    }
  }

  private func takeTLS(
    _ bytes: Bytes, _ reader: inout StreamReader, fromClient: Bool, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void
  ) {
    let observer = tls ?? TLSObserver(client: client, server: server, first: stamp, keyLog: keyLog)
    tls = observer
    let events = observer.take(bytes, fromClient: fromClient)
    show(.bytes(bytes), .tls, fromClient: fromClient)
    give(events, &reader, fromClient: fromClient, stamp, sink)
  }

  private func give(
    _ events: [TLSObserver.Event], _ reader: inout StreamReader, fromClient: Bool, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void
  ) {
    for event in events {
      switch event {
      case .alert(let name): sink(.tlsAlert(carried(name, fromClient: fromClient, .tls, stamp)))
      case .established(let facts): sink(.tlsEstablished(carried(facts, fromClient: fromClient, .tls, stamp)))
      case .plaintext(let clear):
        show(.plaintext(clear), .tls, fromClient: fromClient)
        for reading in reader.takeClear(clear) { sink(.sip(carried(reading, fromClient: fromClient, .tls, stamp))) }
      }
    }
  }

  private func show(_ content: ClearText.Piece.Content, _ kind: StreamReader.Kind, fromClient: Bool) {
    guard let clearText else { return }
    clearText.take(
      ClearText.Piece(
        source: fromClient ? client : server, destination: fromClient ? server : client, content: content, kind: kind,
        hasSecrets: tls?.hasSecrets ?? false))
  }

  private func carried<Value>(_ value: Value, fromClient: Bool, _ transport: ObservedTransport, _ stamp: FrameStamp) -> Carried<Value> {
    Carried(
      value: value, source: fromClient ? client : server, destination: fromClient ? server : client, transport: transport, stamp: stamp)
  }
}

/// Tells what one direction of a stream carries, and reads it.
public struct StreamReader {
  public enum Kind { case undecided, sip, tls, other }
  public enum Reading {
    case sip(SIPReading)
    case tls(Bytes)
  }

  public private(set) var kind = Kind.undecided
  private var head = Bytes()
  private var framer = PassiveFramer()
  /// Bytes of a stream that is neither SIP nor TLS, or has not shown what it is.
  public var otherBytes: Int { others + head.count }
  private var others = 0
  private var hadGap = false

  public mutating func take(_ bytes: Bytes) -> [Reading] {
    switch kind {
    case .sip: return framer.take(bytes).map(Reading.sip)
    case .tls: return [.tls(bytes)]
    case .other:
      others += bytes.count
      return []
    case .undecided:
      let all = head.isEmpty ? bytes : Bytes(head.array + bytes.array)
      head = all.compacted()
      return decide(all)
    }
  }

  /// Its sender has said its last.
  public mutating func end() -> SIPReading? { framer.end() }

  /// What TLS gave in clear.
  public mutating func takeClear(_ bytes: Bytes) -> [SIPReading] { framer.take(bytes) }

  public mutating func gap() {
    hadGap = true
    if kind == .undecided { head = Bytes() }
    framer.gap()
  }

  private mutating func decide(_ all: Bytes) -> [Reading] {
    let content = all.drop { $0 == 13 || $0 == 10 || $0 == 0 }
    guard content.count >= 5 else { return [] }
    if TLSRecordReader.begins(all) {
      kind = .tls
    } else if SIPRecognition.findStart(all, from: 0) != nil {
      kind = .sip
    } else if all.count < 16_384, SIPRecognition.couldBeText(all) {
      return []
    } else {
      kind = .other
    }
    head = Bytes()
    return take(all)
  }
}
