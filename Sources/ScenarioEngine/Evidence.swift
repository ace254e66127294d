import Kallglot
import Legs
import Personas
import SansIO
import ScenarioModel
import VirtualNetwork

/// Finds the frame that news rest on: what the host received at that instant, else the last signalling it sent.
///
/// As a sink it sees every packet before the host does, so the frame of an arrival is known when the host speaks of it.
public final class EvidenceTracker: JournalSink {
  private struct Trace {
    var received: (at: Instant, frame: UInt32)?
    var sentSignalling: UInt32?
  }

  private var traces: [Trace] = []
  public private(set) var packets = 0
  /// What each host has sent and opened until now.
  public private(set) var traffic: [MemberTraffic] = []

  public init() {}

  public func hostAdded(_ host: HostID, name: String) {
    while traces.count <= Int(host.rawValue) {
      traces.append(Trace())
      traffic.append(MemberTraffic())
    }
  }

  public func packet(_ packet: PacketRecord) {
    packets += 1
    let index = Int(packet.host.rawValue)
    guard traces.indices.contains(index), !packet.payload.isEmpty else { return }
    if packet.direction == .received {
      traces[index].received = (packet.at, packet.frame)
    } else {
      switch packet.label.subject {
      case .request, .response, .raw, .tlsHandshake: traces[index].sentSignalling = packet.frame
      case .rtp: (traffic[index].lastRTP, traffic[index].lastRTPFrame) = (packet.at, packet.frame)
      case .rtcp: (traffic[index].lastRTCP, traffic[index].lastRTCPFrame) = (packet.at, packet.frame)
      case .none, .keepAlive, .tlsClose: break
      }
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

  /// - Parameter slack: how much earlier the packet may have come: nothing in virtual time, a moment on real sockets.
  public func evidence(for host: HostID, at now: Instant, slack: Duration = .zero) -> FrameCitation? {
    guard traces.indices.contains(Int(host.rawValue)) else { return nil }
    let trace = traces[Int(host.rawValue)]
    if let received = trace.received, now.nanoseconds - received.at.nanoseconds <= slack.wholeNanoseconds {
      return FrameCitation(host, received.frame)
    }
    return trace.sentSignalling.map { FrameCitation(host, $0) }
  }
}

extension StageEvent {
  /// A host's event in the words of the stage; nil for what no step can see.
  public init?(_ event: any HostEvent, of member: String, evidence: FrameCitation?) {
    switch event {
    case let event as PartyEvent: self = .party(member, event, evidence)
    case EndpointEvent.party(let event): self = .party(member, event, evidence)
    case EndpointEvent.decision(let leg, let decision, method: _, source: _): self = .decision(member, leg, decision, evidence)
    case WireHost.Event.received(let message): self = .message(member, message, evidence)
    case WireHost.Event.unreadable(let rule): self = .wire(member, "unreadable: \(rule)", evidence)
    case WireHost.Event.closed(let how): self = .wire(member, how, evidence)
    case EndpointEvent.notCalled(let account, let reason):
      let decision = PolicyDecision(.registration, .refused(status: 480), detail: "\(account) cannot be called: \(reason)")
      self = .decision(member, nil, decision, evidence)
    case NATEvent.mapped(let inside, let outside, isStream: _): self = .nat(member, .mapped(inside: inside, outside: outside), evidence)
    case NATEvent.dropped(let reason, let source, let destination):
      self = .nat(member, .dropped(reason, source: source, destination: destination), evidence)
    default: return nil
    }
  }
}
