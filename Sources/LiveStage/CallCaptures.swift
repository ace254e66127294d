import Capture
import Legs
import Kallglot
import SIPMessage
import SIPUserAgent
import SansIO

/// One pcapng a call, as a host serves many at once, and ``OtherCapture`` for what belongs to none.
///
/// SIP over UDP is sorted by Call-ID, RTP and RTCP by the port that the call agreed on. A call over TCP or TLS gets its whole connection from
/// the first SYN, with the TLS secrets, since its bytes cannot be read without what came before.
public final class CallCaptures: JournalSink {
  private final class Call {
    let file: CaptureFile
    var endedAt: Instant?
    /// What it listens to: a connection's two ends, media ports.
    var connection: ConnectionKey?
    var ports: [TransportAddress] = []
    init(_ file: CaptureFile) { self.file = file }
  }

  private struct ConnectionKey: Hashable {
    var local: TransportAddress
    var remote: TransportAddress
  }

  /// A connection's packets so far, for calls that begin on it.
  private struct Recording {
    var records: [Entry] = []
    var bytes = 0
    /// A call was on it.
    var hadCalls = false
    var finished: Set<PacketRecord.Direction> = []
    enum Entry {
      case packet(PacketRecord)
      case secret(KeyLogLine)
    }
  }

  /// Bytes kept of a connection for calls to come. A connection that lives longer gives later calls no readable TLS.
  private static let recordingLimit = 4_000_000
  /// A file is closed so long after its call, to catch the last answers.
  private static let linger: Int64 = 5_000_000_000

  private let folder: String
  private let epoch: Epoch
  private let host: String
  private var calls: [String: Call] = [:]
  private var callsByPort: [TransportAddress: Call] = [:]
  private var callsByConnection: [ConnectionKey: [Call]] = [:]
  private var callIDs: [LegID: String] = [:]
  private var recordings: [ConnectionKey: Recording] = [:]
  private var lastConnection: ConnectionKey?
  private var ending: [(at: Instant, callID: String)] = []
  private var count = 0
  private let others: OtherCapture
  public private(set) var failure: CaptureFailure?
  /// Takes what the log should know, on the loop.
  public var onEvent: ((CaptureEvent) -> Void)?

  /// The path of the file that holds the leg's call; nil while it has none and after the leg has ended.
  public func capture(of leg: LegID) -> String? { callIDs[leg].flatMap { calls[$0]?.file.output.path } }

  public init(folder: String, host: String, epoch: Epoch) {
    self.folder = folder
    self.host = host
    self.epoch = epoch
    others = OtherCapture(folder: folder, host: host, epoch: epoch)
  }

  public func hostAdded(_ host: HostID, name: String) {}

  public func finish(at now: Instant) {
    for call in calls.values { close(call, at: now) }
    calls = [:]
    for (_, recording) in recordings.sorted(by: { Self.begin($0.value) < Self.begin($1.value) }) { keep(recording) }
    recordings = [:]
    others.finish(at: now)
    if failure == nil { failure = others.failure }
  }

  // MARK: - Packets

  public func packet(_ packet: PacketRecord) {
    closeEnded(at: packet.at)
    let local = packet.direction == .sent ? packet.source : packet.destination
    let remote = packet.direction == .sent ? packet.destination : packet.source
    guard case .udp = packet.carrier else { return stream(packet, ConnectionKey(local: local, remote: remote)) }
    if let call = callsByPort[local] {
      call.file.append(packet)
    } else if let message = try? SIPMessage.parse(packet.payload), let callID = try? message.callID(),
      let call = call(callID, opening: message.method == .invite)
    {
      call.file.append(packet)
    } else {
      others.append(packet)
    }
  }

  private func stream(_ packet: PacketRecord, _ key: ConnectionKey) {
    lastConnection = key
    for call in callsByConnection[key] ?? [] { call.file.append(packet) }
    remember(.packet(packet), packet.payload.count + 64, key)
    guard case .tcp(let segment) = packet.carrier else { return }
    if segment.flags.contains(.fin) { recordings[key]?.finished.insert(packet.direction) }
    if segment.flags.contains(.rst) || recordings[key]?.finished.count == 2, let recording = recordings.removeValue(forKey: key) {
      keep(recording)
    }
  }

  /// A connection that is over and never carried a call goes where the rest is.
  private func keep(_ recording: Recording) {
    guard !recording.hadCalls else { return }
    for entry in recording.records {
      switch entry {
      case .packet(let packet): others.append(packet)
      case .secret(let line): others.append(line)
      }
    }
  }

  private static func begin(_ recording: Recording) -> UInt32 {
    for case .packet(let packet) in recording.records { return packet.frame }
    return 0
  }

  private func remember(_ entry: Recording.Entry, _ size: Int, _ key: ConnectionKey) {
    guard (recordings[key]?.bytes ?? 0) < Self.recordingLimit else { return }
    recordings[key, default: Recording()].records.append(entry)
    recordings[key]?.bytes += size
  }

  // MARK: - Events

  public func record(_ record: JournalRecord) {
    switch record.body {
    case .secret(let line): secret(line)
    case .event(let event):
      if case EndpointEvent.party(let event) = event {
        take(event, at: record.at)
      } else if let event = event as? PartyEvent {
        take(event, at: record.at)
      }
    case .step, .bound, .unbound, .bindFailed, .finding, .note, .plaintext: break
    }
  }

  /// Secrets come while a connection's packet is handled, so they are that connection's.
  private func secret(_ line: KeyLogLine) {
    guard let key = lastConnection else { return }
    for call in callsByConnection[key] ?? [] { call.file.append(line) }
    remember(.secret(line), line.line.utf8.count, key)
  }

  private func take(_ event: PartyEvent, at now: Instant) {
    switch event {
    case .started(let leg, let facts):
      callIDs[leg] = facts.callID
      defer { if let path = capture(of: leg) { onEvent?(.callOpened(leg, callID: facts.callID, path: path)) } }
      guard facts.transport.isReliable, let key = recordings.keys.first(where: { $0.remote == facts.peer }) else { return }
      join(facts.callID, key)
    case .established(let leg, let agreement): listen(leg, agreement.local)
    case .ended(let leg, _, _):
      guard let callID = callIDs.removeValue(forKey: leg) else { return }
      calls[callID]?.endedAt = now
      ending.append((now, callID))
    default: break
    }
  }

  private func join(_ callID: String, _ key: ConnectionKey) {
    guard calls[callID] == nil, let call = call(callID, opening: true) else { return }
    call.connection = key
    callsByConnection[key, default: []].append(call)
    recordings[key]?.hadCalls = true
    for entry in recordings[key]?.records ?? [] {
      switch entry {
      case .packet(let packet): call.file.append(packet)
      case .secret(let line): call.file.append(line)
      }
    }
  }

  private func listen(_ leg: LegID, _ local: TransportAddress) {
    guard let callID = callIDs[leg], let call = calls[callID], call.ports.isEmpty else { return }
    call.ports = [local, TransportAddress(local.address, port: local.port &+ 1)]
    for port in call.ports { callsByPort[port] = call }
  }

  // MARK: - Files

  private func call(_ callID: String, opening: Bool) -> Call? {
    if let known = calls[callID] { return known }
    guard opening else { return nil }
    count += 1
    let number = String(count)
    let safe = callID.unicodeScalars.prefix(40).map { scalar -> Character in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": Character(scalar)
      default: "-"
      }
    }
    let name = "call-\(String(repeating: "0", count: max(0, 5 - number.count)))\(number)-\(String(safe)).pcapng"
    let output = ByteOutput(path: "\(folder)/\(name)")
    if failure == nil { failure = output.failure }
    let call = Call(CaptureFile(output, interface: host, epoch: epoch, options: CaptureOptions(origin: .live)))
    calls[callID] = call
    return call
  }

  private func closeEnded(at now: Instant) {
    while let first = ending.first, now.nanoseconds - first.at.nanoseconds > Self.linger {
      ending.removeFirst()
      if let call = calls.removeValue(forKey: first.callID) { close(call, at: now) }
    }
  }

  private func close(_ call: Call, at now: Instant) {
    for port in call.ports where callsByPort[port] === call { callsByPort[port] = nil }
    if let key = call.connection { callsByConnection[key]?.removeAll { $0 === call } }
    call.file.close(at: now)
    if failure == nil { failure = call.file.failure }
  }
}
