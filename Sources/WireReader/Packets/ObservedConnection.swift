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
      if reader.isRead { sink(.gap(carried(count, fromClient: fromClient, transport, stamp))) }
      reader.gap()
      tls?.gap(fromClient: fromClient)
      show(.gap(count), reader.kind, fromClient: fromClient)
    case .bytes(let bytes):
      defer { if reader.kind != .tls { show(.bytes(bytes), reader.kind, fromClient: fromClient) } }
      for reading in reader.take(bytes) {
        switch reading {
        case .content(let content): give(content, isSecure: false, fromClient: fromClient, stamp, sink)
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
        for content in reader.takeClear(clear) { give(content, isSecure: true, fromClient: fromClient, stamp, sink) }
      }
    }
  }

  private func give(_ content: ContentReader.Reading, isSecure: Bool, fromClient: Bool, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void)
  {
    switch content {
    case .sip(let reading): sink(.sip(carried(reading, fromClient: fromClient, isSecure ? .tls : .tcp, stamp)))
    case .webSocket(let reading): sink(.sip(carried(reading, fromClient: fromClient, isSecure ? .wss : .ws, stamp)))
    case .relayed(let bytes): sink(.relayed(carried(bytes, fromClient: fromClient, isSecure ? .tls : .tcp, stamp)))
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
