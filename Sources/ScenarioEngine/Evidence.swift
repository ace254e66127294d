import CallControl
import Inspection
import Kallglot
import KallglotPolicy
import Personas
import SIPMessage
import SIPUserAgent
import SansIO
import ScenarioModel
import VirtualNetwork
import WireReader

/// Reads each member's packets as they leave and come, and makes the engine's news of them; of what hosts say of themselves it passes on
/// what packets cannot show, with the frame that it rests on.
///
/// As a sink it sees every packet before the host does, so the frame of an arrival is known when the host speaks of it.
public final class EvidenceTracker: JournalSink {
  private struct LegKey: Hashable {
    var host: HostID
    var leg: LegID
  }

  /// What is kept of a host.
  private struct Tap {
    var name: String
    /// Reads its packets, and judges them.
    var inspection: CaptureInspection?
    var packets = PacketTrace()
    var messages = MessageTrace()
    /// Learnt from its packets: who sends a message is told by its source.
    var addresses: Set<IPAddress> = []
  }

  @exclusivity(unchecked) private var taps: [Tap] = []
  /// Those of the taps, beside them: to ask a tap for its reader copies the tap, for each packet.
  @exclusivity(unchecked) private var readers: [PassiveReader?] = []
  // Counted for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) private var ledger = FlowLedger()
  /// The words of the run's faults, in the order of their numbers.
  private var faults: [String] = []
  /// Call-IDs of the legs that are not over.
  private var callIDs: [LegKey: String] = [:]
  /// Whose packets are read; others are links' and NATs'.
  private let members: Set<String>
  private let remote: Set<String>
  /// Where members listen for SIP: their even datagram ports are no media ports.
  private let signalling: Set<UInt16>
  private let epoch: Epoch
  /// Which policy is in force; nil where nobody says.
  private let policies: PolicyLedger?
  private let endpoint: String?
  /// A step or prohibition looks for what is sent in clear.
  private let tellsPlaintext: Bool
  /// A step asks how good a stream was.
  private let measuresQuality: Bool
  @exclusivity(unchecked) private var news: [StageEvent] = []
  /// Called when there is news after none.
  public var onNews: (() -> Void)?
  @exclusivity(unchecked) public private(set) var packets = 0
  /// What each host has sent and opened until now.
  @exclusivity(unchecked) public private(set) var traffic: [MemberTraffic] = []

  /// - Parameters:
  ///   - members: the cast.
  ///   - signalling: the ports on which it listens for SIP, beside 5060 and 5061.
  ///   - epoch: wall time of the run's beginning.
  ///   - ledger: which policy is in force.
  ///   - endpoint: whose policy it is.
  ///   - tellsPlaintext: what is sent in clear is news.
  ///   - measuresQuality: traffic tells how good the streams were.
  ///   - remote: members that are a network away from our sockets: nothing is proven of what leaves them, or reaches them.
  public init(
    members: [String], signalling: [UInt16] = [], epoch: Epoch, ledger: PolicyLedger? = nil, endpoint: String? = nil,
    tellsPlaintext: Bool = false, measuresQuality: Bool = false, remote: Set<String> = []
  ) {
    self.members = Set(members)
    self.remote = remote
    self.signalling = Set(signalling).union([5_060, 5_061])
    (self.epoch, policies, self.endpoint, self.tellsPlaintext) = (epoch, ledger, endpoint, tellsPlaintext)
    self.measuresQuality = measuresQuality
  }

  public func hostAdded(_ host: HostID, name: String) {
    while taps.count <= Int(host.rawValue) {
      ledger.hostAdded(HostID(UInt16(taps.count)))
      taps.append(Tap(name: ""))
      readers.append(nil)
      traffic.append(MemberTraffic())
    }
    taps[Int(host.rawValue)].name = name
    if members.contains(name) {
      let watch = policies.map { PolicyWatch($0, isEndpoint: name == endpoint, signalling: signalling) }
      let reader = PassiveReader(path: name)
      readers[Int(host.rawValue)] = reader
      taps[Int(host.rawValue)].inspection = CaptureInspection(reader, watch: watch)
    }
  }

  /// ``traffic``, with how good the streams of each host were until now, where that is asked for.
  var measuredTraffic: [MemberTraffic] {
    guard measuresQuality else { return traffic }
    var measured = traffic
    for index in measured.indices { measured[index].streams = readers[index]?.streams.credible.map(SeenStream.init) ?? [] }
    return measured
  }

  /// Whether there is anything for ``takeNews()``.
  public var hasNews: Bool { !news.isEmpty }

  /// What has been seen and said since the last time, in its order.
  public func takeNews() -> [StageEvent] {
    guard !news.isEmpty else { return [] }
    defer { news.removeAll(keepingCapacity: true) }
    return news
  }

  private func tell(_ event: StageEvent) {
    news.append(event)
    if news.count == 1 { onNews?() }
  }

  // MARK: - Packets

  public func packet(_ packet: PacketRecord) {
    packets += 1
    let index = Int(packet.host.rawValue)
    guard taps.indices.contains(index) else { return }
    if packet.direction == .sent, !packet.payload.isEmpty || packet.isSYN { ledger.take(packet) }
    read(packet, index)
    guard !packet.payload.isEmpty else { return }
    guard PacketTrace.isMedia(packet.payload) else { return taps[index].packets.takeSignalling(packet) }
    taps[index].packets.takeMedia(packet)
    guard packet.direction == .sent, case .udp = packet.carrier else { return }
    if PacketTrace.isControl(packet.payload) {
      (traffic[index].lastRTCP, traffic[index].lastRTCPFrame) = (packet.at, packet.frame)
    } else {
      traffic[index].takeRTP(packet.payload, from: packet.source, to: packet.destination, at: packet.at, frame: packet.frame)
    }
  }

  private func read(_ packet: PacketRecord, _ index: Int) {
    guard let reader = readers[index] else { return }
    let isMedia = PacketTrace.isMedia(packet.payload)
    if !isMedia {
      taps[index].addresses.insert(packet.direction == .sent ? packet.source.address : packet.destination.address)
      if policies != nil { taps[index].inspection?.observe(packet) }
    }
    let inClear = tellsPlaintext ? reader.streams.clear.packets : 0
    for observed in reader.take(packet, epoch: epoch) { take(observed, index, at: packet.at) }
    guard tellsPlaintext, isMedia, reader.streams.clear.packets != inClear else { return }
    let media = reader.streams.clear
    tell(
      .plaintext(
        SeenPlaintext(
          .rtp, at: taps[index].name, from: media.source.address,
          "\(media.isControl ? "RTCP" : "RTP") from \(media.source) to \(media.destination) is outside SRTP",
          FrameCitation(packet.host, packet.frame))))
  }

  private func take(_ observed: Observed, _ index: Int, at now: Instant) {
    taps[index].inspection?.judge(observed)
    switch observed {
    case .message(let message, _, let repetition):
      if tellsPlaintext, !message.transport.isSecure { tellPlaintext(message, index) }
      add(message.message, message, message.source, message.stamp, isCopy: repetition > 0, index, at: now)
    case .incomplete(let message, _, let origin, _): add(message, nil, origin.source, origin.stamp, isCopy: false, index, at: now)
    case .tlsAlert(let alert): add(.alert(alert.value), alert.map { _ in () }, index)
    case .tlsEstablished(let facts): add(.established(facts.value), facts.map { _ in () }, index)
    case .unreadable, .unframed, .cut, .notSIP, .gap: break
    }
  }

  private func add(_ what: SeenTLS.What, _ origin: Carried<Void>, _ index: Int) {
    let isOwn = taps[index].addresses.contains(origin.source.address)
    let citation = FrameCitation(HostID(UInt16(index)), UInt32(clamping: origin.stamp.frame))
    tell(.tls(taps[index].name, SeenTLS(what, isOwn: isOwn, remote: isOwn ? origin.destination : origin.source, citation)))
  }

  /// What whoever is on the way reads in a message.
  private func tellPlaintext(_ message: ObservedMessage, _ index: Int) {
    let citation = FrameCitation(HostID(UInt16(index)), UInt32(clamping: message.stamp.frame))
    let way = "\(message.title) over \(message.transport.rawValue.uppercased())"
    func tell(_ kind: SeenPlaintext.Kind, _ text: String) {
      self.tell(.plaintext(SeenPlaintext(kind, at: taps[index].name, from: message.source.address, text, citation)))
    }
    tell(.sip, way)
    if message.description?.hasKeys == true { tell(.key, "\(way) has a key of SRTP") }
    if let secret = PolicyWatch.secret(in: message, policies?.secrets ?? SecretList()) { tell(.password, "\(way) shows \(secret)") }
  }

  private func add(
    _ message: SIPMessage, _ observed: ObservedMessage?, _ source: TransportAddress, _ stamp: FrameStamp, isCopy: Bool, _ index: Int,
    at now: Instant
  ) {
    let isSent = taps[index].addresses.contains(source.address)
    let frame = UInt32(clamping: stamp.frame)
    taps[index].messages.take(message, observed, isSent: isSent, frame: frame, at: now)
    let citation = FrameCitation(HostID(UInt16(index)), frame)
    tell(.seen(taps[index].name, SeenMessage(message, observed, isSent: isSent, isCopy: isCopy, frame: citation)))
  }

  /// Counts media ports: the even ones of the pairs.
  public func record(_ record: JournalRecord) {
    let index = Int(record.host.rawValue)
    guard traffic.indices.contains(index) else { return }
    if policies != nil { taps[index].inspection?.observe(record) }
    switch record.body {
    case .bound(let address, .datagram) where isMediaPort(address):
      traffic[index].mediaPortsOpened += 1
      traffic[index].mediaPortsOpen += 1
    case .unbound(let address, .datagram) where isMediaPort(address): traffic[index].mediaPortsOpen -= 1
    case .secret(let line):
      for observed in readers[index]?.takeSecrets(line) ?? [] { take(observed, index, at: record.at) }
    case .bound, .unbound, .bindFailed, .event, .plaintext, .step, .finding, .note: break
    }
  }

  private func isMediaPort(_ address: TransportAddress) -> Bool { address.port % 2 == 0 && !signalling.contains(address.port) }

  public func finish(at now: Instant) {}

  /// A step is about to do something: what is sent from now on is what its findings speak of.
  public func mark(at now: Instant) { ledger.mark(at: now) }

  /// The next fault's words.
  public func faultAdded(_ text: String) { faults.append(text) }

  // MARK: - What hosts say

  /// Takes an event of a host, as far as the engine has a use for it.
  ///
  /// - Parameter slack: how much earlier the packet may have come that it rests on: nothing in virtual time, a moment on real sockets.
  public func take(_ event: any HostEvent, of host: HostID, at now: Instant, slack: Duration = .zero) {
    let index = Int(host.rawValue)
    guard taps.indices.contains(index) else { return }
    let callID = { [self] (leg: LegID?) in leg.flatMap { callIDs[LegKey(host: host, leg: $0)] } }
    keepCallID(event, host)
    let citation = evidence(for: event, of: host, at: now, slack: slack)
    if let event = StageEvent(event, of: taps[index].name, callID: callID, evidence: citation) { tell(event) }
    if case .ended(let leg, _, _)? = EventSubject.partyEvent(event) { callIDs[LegKey(host: host, leg: leg)] = nil }
  }

  private func keepCallID(_ event: any HostEvent, _ host: HostID) {
    guard case .started(let leg, let facts)? = EventSubject.partyEvent(event) else { return }
    callIDs[LegKey(host: host, leg: leg)] = facts.callID
  }

  /// What a frame is; nil where it is not kept any more.
  public func exhibit(_ citation: FrameCitation) -> Exhibit? {
    let index = Int(citation.host.rawValue)
    guard taps.indices.contains(index) else { return nil }
    guard let seen = taps[index].messages.newest({ $0.frame == citation.frame }) else { return taps[index].packets.exhibit(citation) }
    return Exhibit(citation, at: seen.at, seen.isSent ? .sent : .received, seen.text + taps[index].packets.fate(citation))
  }

  /// The frame that an event rests on.
  private func evidence(for event: any HostEvent, of host: HostID, at now: Instant, slack: Duration) -> FrameCitation? {
    let index = Int(host.rawValue)
    let wanted = EventSubject(event)
    switch wanted.what {
    case .media:
      guard let media = taps[index].packets.receivedMedia else { break }
      taps[index].packets.cite(media)
      return FrameCitation(host, media.frame)
    case .messages(let patterns):
      let callID = wanted.callID ?? wanted.leg.flatMap { callIDs[LegKey(host: host, leg: $0)] }
      let found = taps[index].messages.newest { seen in
        patterns.contains { $0.matches(seen, callID: callID) }
      }
      if let found { return FrameCitation(host, found.frame) }
    case .newest: break
    }
    if let received = taps[index].packets.received, now.nanoseconds - received.at.nanoseconds <= slack.wholeNanoseconds {
      return FrameCitation(host, received.frame)
    }
    return taps[index].packets.newest { $0.direction == .sent }.map { FrameCitation(host, $0.frame) }
  }
}

extension EvidenceTracker {
  /// What the observers at the endpoint have proven; nil where there are none.
  public var proof: PolicyProof? { taps.first { $0.name == endpoint }?.inspection?.proof }
}

extension EvidenceTracker: PacketWitness {
  public func breaches(at now: Instant) -> [SeenBreach] {
    let time = epoch.unixNanoseconds(at: now)
    var seen: [SeenBreach] = []
    for (index, tap) in taps.enumerated() where !remote.contains(tap.name) {
      for finding in tap.inspection?.findings(at: time) ?? [] {
        seen.append(
          SeenBreach(
            finding.breach, finding.severity, at: tap.name, by: finding.blamed?.address, section: finding.rule, finding.text,
            callID: finding.callID, FrameCitation(HostID(UInt16(index)), UInt32(clamping: finding.frame)), count: finding.count))
      }
    }
    return seen
  }

  public func flows(of member: Int, isWhole: Bool) -> [PacketFlow] {
    ledger.flows(of: HostID(UInt16(clamping: member)), isWhole: isWhole) { number in
      faults.indices.contains(Int(number) - 1) ? faults[Int(number) - 1] : "\(number)"
    }
  }

  public func sent(by member: Int, _ subject: Label.Subject) -> [Bytes] {
    taps.indices.contains(member) ? taps[member].packets.sent(subject) : []
  }
}

extension PacketRecord {
  /// The opening of a TCP connection, by either side.
  fileprivate var isSYN: Bool {
    if case .tcp(let segment) = carrier { segment.flags.contains(.syn) } else { false }
  }
}

extension StageEvent {
  /// A host's event in the words of the stage; nil for what packets show better, and for what no step asks for.
  ///
  /// - Parameter callID: the Call-ID of a leg of the host.
  init?(_ event: any HostEvent, of member: String, callID: (LegID?) -> String?, evidence: FrameCitation?) {
    if let event = event as? CallAgentEvent {
      guard let word = MemberWord(event, callID: callID) else { return nil }
      self = .word(member, word, evidence)
    } else if let event = event as? EndpointEvent {
      self.init(event, of: member, callID, evidence)
    } else if let event = event as? WireHost.Event {
      self.init(event, of: member, evidence)
    } else if let event = event as? BoxEvent {
      self.init(event, of: member, evidence)
    } else {
      return nil
    }
  }

  private init?(_ event: EndpointEvent, of member: String, _ callID: (LegID?) -> String?, _ evidence: FrameCitation?) {
    switch event {
    case .party(let event): self.init(event, of: member, callID: callID, evidence: evidence)
    case .decision(let leg, let decision, let request):
      self = .decision(member, callID: request.callID.isEmpty ? callID(leg) : request.callID, decision, evidence)
    case .notCalled(let account, let reason):
      let decision = PolicyDecision(.registration, .refused(status: 480), detail: "\(account) cannot be called: \(reason)")
      self = .decision(member, callID: nil, decision, evidence)
    case .joined, .carried, .relayed, .notRelayed, .sessionEnded, .tlsKept: return nil
    }
  }

  private init?(_ event: WireHost.Event, of member: String, _ evidence: FrameCitation?) {
    switch event {
    // Its packets show it.
    case .received, .secured, .tlsFailed: return nil
    case .unreadable(let rule): self = .wire(member, .unreadable(rule), evidence)
    case .closed(let how): self = .wire(member, .ended(how), evidence)
    case .hello(let name): self = .wire(member, .hello(serverName: name), evidence)
    case .closeNotify: self = .wire(member, .closeNotify, evidence)
    case .keyed(let profile): self = .wire(member, .keyed("\(profile)"), evidence)
    case .associationFailed(let failure): self = .wire(member, .failed("\(failure)"), evidence)
    case .media(let bytes, let isControl, let opening):
      var packet = WireMedia.Packet(bytes: bytes, isControl: isControl, evidence: evidence)
      switch opening {
      case .unopened: break
      case .opened(let inside): (packet.bytes, packet.isProtected) = (inside, true)
      case .failed(let drop): packet.failure = drop
      }
      self = .packet(member, packet)
    }
  }

  private init(_ event: BoxEvent, of member: String, _ evidence: FrameCitation?) {
    switch event {
    case .mapped(let inside, let outside, isStream: _): self = .nat(member, .mapped(inside: inside, outside: outside), evidence)
    case .dropped(let reason, let source, let destination):
      self = .nat(member, .dropped(reason, source: source, destination: destination), evidence)
    case .rewrote(let report, source: _, destination: _):
      let told = GatewayReport(
        message: report.message, changed: report.changed.words, left: report.left.words, contentLength: report.contentLength,
        body: report.body)
      self = .nat(member, .rewrote(told), evidence)
    case .rebooted(let outside): self = .nat(member, .rebooted(outside: outside), evidence)
    }
  }
}
