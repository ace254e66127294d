import CallControl
import SIPUserAgent
import SansIO

/// The calls of a live host that have a file, by what their packets are known by: Call-ID and media ports.
///
/// ```
///   leg: known ──outgoing: it began; incoming: its media port is bound──► has a file ──ended──► lingers 64·T1 ──► closed
///          └── ended before (refused, challenged) ──► forgotten, without a file
/// ```
final class CallTable {
  final class Call {
    let callID: String
    let file: LiveCaptureFile
    fileprivate var legs: [LegID] = []
    fileprivate var live: Set<LegID> = []
    fileprivate var endedAt: Instant?
    fileprivate var isAnnounced = false

    init(_ callID: String, _ file: LiveCaptureFile) {
      self.callID = callID
      self.file = file
    }
  }

  private struct Leg {
    var facts: LegFacts?
    var ports: [TransportAddress] = []
    var call: Call?
  }

  /// A file is open so long after its call: 64·T1, in which the last messages may be repeated (RFC 3261 §17).
  static let linger: Int64 = 32_000_000_000

  private let folder: CaptureFolder
  private var legs: [LegID: Leg] = [:]
  private var calls: [String: Call] = [:]
  private var callsByPort: [TransportAddress: Call] = [:]
  /// Whose media ports they are to be.
  private var owners: [TransportAddress: LegID] = [:]
  /// UDP ports of the host that are open.
  private var bound: Set<TransportAddress> = []
  private var ending: [(at: Instant, call: Call)] = []

  init(_ folder: CaptureFolder) { self.folder = folder }

  var unwritten: Int { calls.values.reduce(0) { $0 + $1.file.unwritten } }

  func call(_ callID: String) -> Call? { calls[callID] }
  func call(on port: TransportAddress) -> Call? { callsByPort[port] }
  func path(of leg: LegID) -> String? { legs[leg]?.call.flatMap { $0.isAnnounced ? $0.file.path : nil } }

  func append(_ passage: Passage, to call: Call) {
    call.file.append(passage)
    if !call.isAnnounced { announce(call) }
  }

  /// What a leg's socket did not do; false when the leg has no file.
  func note(_ text: String, of leg: LegID, at now: Instant) -> Bool {
    guard let call = legs[leg]?.call else { return false }
    call.file.append(note: text, at: now)
    if !call.isAnnounced { announce(call) }
    return true
  }

  private func announce(_ call: Call) {
    call.isAnnounced = true
    for leg in call.legs { folder.tell(.callOpened(leg, callID: call.callID, path: call.file.path)) }
  }

  // MARK: - Legs

  /// - Returns: the Call-ID of a call that has a file from now on.
  func began(_ id: LegID, _ facts: LegFacts) -> String? {
    legs[id, default: Leg()].facts = facts
    let isBound = legs[id]?.ports.contains { bound.contains($0) } ?? false
    return facts.direction == .outgoing || isBound ? open(id) : nil
  }

  func asksFor(_ rtp: TransportAddress, _ id: LegID) -> String? {
    let ports = [rtp, TransportAddress(rtp.address, port: rtp.port &+ 1)]
    legs[id, default: Leg()].ports += ports
    for port in ports { owners[port] = id }
    if let call = legs[id]?.call { listen(ports, call) }
    return bound.contains(rtp) ? open(id) : nil
  }

  func opened(_ port: TransportAddress) -> String? {
    bound.insert(port)
    return owners[port].flatMap { open($0) }
  }

  func closed(_ port: TransportAddress) { bound.remove(port) }

  func ended(_ id: LegID, at now: Instant) {
    guard let call = legs[id]?.call else { return forget(id) }
    call.live.remove(id)
    guard call.live.isEmpty else { return }
    call.endedAt = now
    ending.append((now, call))
  }

  /// No media port could be opened: a leg without a file will have none.
  func gaveUp(_ id: LegID) { if legs[id]?.call == nil { forget(id) } }

  private func open(_ id: LegID) -> String? {
    guard let leg = legs[id], let facts = leg.facts, leg.call == nil else { return nil }
    let call = calls[facts.callID] ?? make(facts)
    legs[id]?.call = call
    call.legs.append(id)
    call.live.insert(id)
    call.endedAt = nil
    listen(leg.ports, call)
    if call.isAnnounced { folder.tell(.callOpened(id, callID: call.callID, path: call.file.path)) }
    return facts.callID
  }

  private func listen(_ ports: [TransportAddress], _ call: Call) { for port in ports { callsByPort[port] = call } }

  private func make(_ facts: LegFacts) -> Call {
    let isSealed = facts.transport == .tls || facts.transport == .wss
    let isTwin = isSealed && folder.keepsSecrets
    let name = "\(folder.nextName(.call))-\(CaptureFolder.namePart(facts.callID))\(isTwin ? ".clear" : "").pcapng"
    let comment =
      isTwin
      ? "clear twin: SIP is shown as TLS carried it, and RTP as it was before SRTP, without keys; the ciphertext of the whole "
        + "TLS connection and its secrets are in connection-*"
      : "SIP of this call crossed in TLS and is not shown; the ciphertext of the whole connection is in connection-*"
    let call = Call(facts.callID, folder.file(named: name, comment: isSealed ? comment : "", isTwin: isTwin))
    calls[facts.callID] = call
    return call
  }

  // MARK: - Time

  func tick(at now: Instant) {
    while let first = ending.first, now.nanoseconds - first.at.nanoseconds >= Self.linger {
      ending.removeFirst()
      if first.call.endedAt == first.at { close(first.call, at: now) }
    }
    for call in calls.values { call.file.flush() }
  }

  func finish(at now: Instant) {
    for call in calls.values.sorted(by: { $0.file.path < $1.file.path }) { close(call, at: now) }
    ending = []
  }

  private func close(_ call: Call, at now: Instant) {
    for leg in call.legs { forget(leg) }
    if calls[call.callID] === call { calls[call.callID] = nil }
    if call.isAnnounced { call.file.close(at: now) }
  }

  private func forget(_ id: LegID) {
    guard let leg = legs.removeValue(forKey: id) else { return }
    for port in leg.ports {
      if owners[port] == id { owners[port] = nil }
      if let call = leg.call, callsByPort[port] === call { callsByPort[port] = nil }
    }
  }
}
