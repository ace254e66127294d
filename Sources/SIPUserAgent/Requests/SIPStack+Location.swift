import SIPMessage
import SIPTransport
import SansIO

/// For whom the servers of a name are looked up.
enum Seeker: Sendable {
  /// Our requests within a dialog.
  case dialog(LegID)
  /// The ACK and the BYE of a 2xx from another branch, by its number.
  case fork(LegID, Int)
  /// Our INVITE, which a 3xx sent to a name.
  case redirection(LegID)
  /// A request outside dialogs, likewise.
  case request(RequestID)
  /// A response that no connection took.
  case response(UnsentResponse)
}

/// A response whose connection was gone, on its way to the address of its request or to servers of its Via (RFC 3261 §18.2.2,
/// RFC 3263 §5).
struct UnsentResponse: Sendable {
  let bytes: Bytes
  let label: Label
  /// Those that are left; nil = they were not looked up yet.
  var servers: [SIPTarget]?
}

/// Responses that wait for connections which are being opened.
struct UnsentResponses {
  private var entries: [Flow.Path: [UnsentResponse]] = [:]

  mutating func keep(_ response: UnsentResponse, on flow: Flow) { entries[flow.path, default: []].append(response) }

  /// The connection is up, or was lost: those that it was to take.
  mutating func take(_ flow: Flow) -> [UnsentResponse] { entries.isEmpty ? [] : entries.removeValue(forKey: flow.path) ?? [] }
}

// Where messages leave for names (RFC 3263).
extension SIPStack {
  typealias Location = ServerLocator<Seeker>.Location

  /// Looks for the servers of a URI. What comes of it is told as soon as it is known, never before this returns.
  func locate(_ uri: SIPURI, for seeker: Seeker, _ turn: inout Turn) {
    if let found = locator.locate(uri, for: seeker, &turn.out) { locations.append(found) }
  }

  /// The name service answered.
  func resolved(_ query: QueryID, _ answer: NameAnswer, _ turn: inout Turn) {
    if let found = locator.receive(answer, query, &turn.out) { locations.append(found) }
  }

  // MARK: - Responses

  /// Sends a response: on the connection of its request; when that is gone, on one to the address the request came from and the port of
  /// its Via, and where that cannot be had to the servers that the Via names (RFC 3261 §18.2.2, RFC 3263 §5).
  func reply(_ bytes: Bytes, on flow: Flow, port: UInt16, _ label: Label, _ turn: inout Turn) {
    guard !transport.isUsable(flow) else {
      return transport.send(bytes, on: flow, label, at: turn.now, &turn.out, &transportEvents)
    }
    var target = SIPTarget(transport: flow.transport, address: TransportAddress(flow.remote.address, port: port))
    if target.transport == .tls { target.serverName = Self.sentBy(of: bytes)?.host.text }
    send(UnsentResponse(bytes: bytes, label: label), to: target, &turn)
  }

  private func send(_ response: UnsentResponse, to target: SIPTarget, _ turn: inout Turn) {
    let way = flow(to: target, &turn)
    if transport.isPending(way) { unsent.keep(response, on: way) }
    transport.send(response.bytes, on: way, response.label, at: turn.now, &turn.out, &transportEvents)
  }

  /// A connection is up: it takes what waits for it.
  func flowOpened(_ flow: Flow) { _ = unsent.take(flow) }

  /// A connection was lost before it took the responses that wait for it: they go to the next server.
  func responsesLost(on flow: Flow, _ turn: inout Turn) {
    for response in unsent.take(flow) {
      if response.servers != nil {
        sendToNextServer(response, &turn)
      } else if let uri = Self.sentBy(of: response.bytes) {
        locate(uri, for: .response(response), &turn)
      }
    }
  }

  /// The servers of a response's Via are known. Nobody is told where there are none: its sender has no more to ask, and the request comes
  /// again.
  func located(_ response: UnsentResponse, _ location: Location, _ turn: inout Turn) {
    guard case .found(let servers) = location else { return }
    var response = response
    response.servers = servers
    sendToNextServer(response, &turn)
  }

  private func sendToNextServer(_ response: UnsentResponse, _ turn: inout Turn) {
    guard let next = response.servers?.first else { return }
    var response = response
    response.servers?.removeFirst()
    send(response, to: next, &turn)
  }

  /// The sent-by of a response's Via as a URI of the same transport.
  private static func sentBy(of response: Bytes) -> SIPURI? {
    let via: Via
    do { via = try SIPMessage.parse(response).via() } catch { return nil }
    return SIPURI(host: via.host, port: via.port, parameters: Parameters([.init("transport", via.transport.lowercased())]))
  }
}
