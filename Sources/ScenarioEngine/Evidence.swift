import Kallglot
import KallglotPolicy
import CallControl
import Personas
import SIPUserAgent
import SansIO
import ScenarioModel
import VirtualNetwork

/// Finds the frame that news rest on: the message that an event speaks of, else what the host received at that instant, else the last
/// signalling it sent.
///
/// As a sink it sees every packet before the host does, so the frame of an arrival is known when the host speaks of it.
public final class EvidenceTracker: JournalSink {
  private struct LegKey: Hashable {
    var host: HostID
    var leg: LegID
  }

  private var traces: [PacketTrace] = []
  // Counted for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) private var ledger = FlowLedger()
  /// The words of the run's faults, in the order of their numbers.
  private var faults: [String] = []
  /// Call-IDs of the legs that are not over.
  private var callIDs: [LegKey: Bytes] = [:]
  public private(set) var packets = 0
  /// What each host has sent and opened until now.
  public private(set) var traffic: [MemberTraffic] = []

  public init() {}

  public func hostAdded(_ host: HostID, name: String) {
    while traces.count <= Int(host.rawValue) {
      ledger.hostAdded(HostID(UInt16(traces.count)))
      traces.append(PacketTrace())
      traffic.append(MemberTraffic())
    }
  }

  public func packet(_ packet: PacketRecord) {
    packets += 1
    let index = Int(packet.host.rawValue)
    guard traces.indices.contains(index) else { return }
    if packet.direction == .sent, !packet.payload.isEmpty || packet.isSYN { ledger.take(packet) }
    guard !packet.payload.isEmpty else { return }
    guard PacketTrace.isMedia(packet.payload) else { return traces[index].takeSignalling(packet) }
    traces[index].takeMedia(packet)
    guard packet.direction == .sent else { return }
    switch packet.label.subject {
    case .rtp: (traffic[index].lastRTP, traffic[index].lastRTPFrame) = (packet.at, packet.frame)
    case .rtcp: (traffic[index].lastRTCP, traffic[index].lastRTCPFrame) = (packet.at, packet.frame)
    case .request, .response, .raw, .tlsHandshake, .none, .keepAlive, .tlsClose: break
    }
  }

  /// Counts media ports: the even ones of the pairs, so that signalling's 5060 and 5061 have to be left out by number.
  public func record(_ record: JournalRecord) {
    let index = Int(record.host.rawValue)
    guard traffic.indices.contains(index) else { return }
    switch record.body {
    case .bound(let address, .datagram) where Self.isMedia(address):
      traffic[index].mediaPortsOpened += 1
      traffic[index].mediaPortsOpen += 1
    case .unbound(let address, .datagram) where Self.isMedia(address): traffic[index].mediaPortsOpen -= 1
    case .bound, .unbound, .bindFailed, .event, .secret, .plaintext, .step, .finding, .note: break
    }
  }

  private static func isMedia(_ address: TransportAddress) -> Bool { address.port % 2 == 0 && address.port != 5_060 }

  public func finish(at now: Instant) {}

  /// A step is about to do something: what is sent from now on is what its findings speak of.
  public func mark(at now: Instant) { ledger.mark(at: now) }

  /// The next fault's words.
  public func faultAdded(_ text: String) { faults.append(text) }

  // MARK: - Citations

  /// What a frame is; nil where it is not kept any more.
  public func exhibit(_ citation: FrameCitation) -> Exhibit? {
    let index = Int(citation.host.rawValue)
    return traces.indices.contains(index) ? traces[index].exhibit(citation) : nil
  }

  /// The frame that an event rests on.
  ///
  /// - Parameter slack: how much earlier the packet may have come: nothing in virtual time, a moment on real sockets.
  public func evidence(for event: any HostEvent, of host: HostID, at now: Instant, slack: Duration = .zero) -> FrameCitation? {
    let index = Int(host.rawValue)
    guard traces.indices.contains(index) else { return nil }
    let wanted = EventSubject(event)
    defer { keepCallID(event, host) }
    switch wanted.what {
    case .media:
      guard let media = traces[index].receivedMedia else { break }
      traces[index].cite(media)
      return FrameCitation(host, media.frame)
    case .messages(let patterns):
      let callID = wanted.callID ?? wanted.leg.flatMap { callIDs[LegKey(host: host, leg: $0)] }
      // With one call there is nothing to confuse.
      let compared = callIDs.count > 1 ? callID : nil
      let latest = now.advanced(by: .zero - wanted.age)
      let found = traces[index].newest { packet in
        packet.at <= latest && patterns.contains { $0.matches(packet, callID: compared) }
      }
      if let found { return FrameCitation(host, found.frame) }
    case .newest: break
    }
    return newest(index, host, at: now, slack: slack)
  }

  private func newest(_ index: Int, _ host: HostID, at now: Instant, slack: Duration) -> FrameCitation? {
    if let received = traces[index].received, now.nanoseconds - received.at.nanoseconds <= slack.wholeNanoseconds {
      return FrameCitation(host, received.frame)
    }
    return traces[index].newest { $0.direction == .sent }.map { FrameCitation(host, $0.frame) }
  }

  private func keepCallID(_ event: any HostEvent, _ host: HostID) {
    switch EventSubject.partyEvent(event) {
    case .started(let leg, let facts): callIDs[LegKey(host: host, leg: leg)] = Bytes(facts.callID)
    case .ended(let leg, _, _): callIDs[LegKey(host: host, leg: leg)] = nil
    default: break
    }
  }
}

extension EvidenceTracker: PacketWitness {
  public func flows(of member: Int, isWhole: Bool) -> [PacketFlow] {
    ledger.flows(of: HostID(UInt16(clamping: member)), isWhole: isWhole) { number in
      faults.indices.contains(Int(number) - 1) ? faults[Int(number) - 1] : "\(number)"
    }
  }

  public func sent(by member: Int, _ subject: Label.Subject) -> [Bytes] {
    traces.indices.contains(member) ? traces[member].sent(subject) : []
  }
}

extension PacketRecord {
  /// The opening of a TCP connection.
  fileprivate var isSYN: Bool {
    if case .tcp(let segment) = carrier { segment.flags.contains(.syn) && !segment.flags.contains(.ack) } else { false }
  }
}

extension StageEvent {
  /// A host's event in the words of the stage; nil for what no step can see.
  public init?(_ event: any HostEvent, of member: String, evidence: FrameCitation?) {
    if let event = event as? CallAgentEvent {
      self = .party(member, event, evidence)
    } else if let event = event as? EndpointEvent {
      self.init(event, of: member, evidence)
    } else if let event = event as? WireHost.Event {
      self.init(event, of: member, evidence)
    } else if let event = event as? NATEvent {
      self.init(event, of: member, evidence)
    } else {
      return nil
    }
  }

  private init?(_ event: EndpointEvent, of member: String, _ evidence: FrameCitation?) {
    switch event {
    case .party(let event): self = .party(member, event, evidence)
    case .decision(let leg, let decision, _): self = .decision(member, leg, decision, evidence)
    case .notCalled(let account, let reason):
      let decision = PolicyDecision(.registration, .refused(status: 480), detail: "\(account) cannot be called: \(reason)")
      self = .decision(member, nil, decision, evidence)
    case .joined, .carried, .digit, .sessionEnded: return nil
    }
  }

  private init(_ event: WireHost.Event, of member: String, _ evidence: FrameCitation?) {
    switch event {
    case .received(let message): self = .message(member, message, evidence)
    case .unreadable(let rule): self = .wire(member, "unreadable: \(rule)", evidence)
    case .closed(let how): self = .wire(member, how, evidence)
    }
  }

  private init(_ event: NATEvent, of member: String, _ evidence: FrameCitation?) {
    switch event {
    case .mapped(let inside, let outside, isStream: _): self = .nat(member, .mapped(inside: inside, outside: outside), evidence)
    case .dropped(let reason, let source, let destination):
      self = .nat(member, .dropped(reason, source: source, destination: destination), evidence)
    }
  }
}
