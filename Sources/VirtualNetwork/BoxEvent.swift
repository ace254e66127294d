import SansIO

/// What a NAT or a firewall tells the stage.
public enum BoxEvent: HostEvent, Hashable {
  /// A host inside got a port of the outside address.
  case mapped(inside: TransportAddress, outside: TransportAddress, isStream: Bool)
  /// A packet went no further.
  case dropped(FilterReason, source: TransportAddress, destination: TransportAddress)
  /// The application level gateway changed a message.
  case rewrote(Rewriting.Report, source: TransportAddress, destination: TransportAddress)
  /// It has forgotten all bindings; the outside address that it has now.
  case rebooted(outside: IPAddress?)

  public var journalName: String {
    switch self {
    case .mapped: "nat-mapped"
    case .dropped: "nat-dropped"
    case .rewrote: "alg-rewrote"
    case .rebooted: "nat-rebooted"
    }
  }

  public func writeFields(to json: inout JSONWriter) {
    switch self {
    case .mapped(let inside, let outside, let isStream):
      json.member("inside", inside)
      json.member("outside", outside)
      json.member("transport", isStream ? "tcp" : "udp")
    case .dropped(let reason, let source, let destination):
      json.member("why", "\(reason.word)")
      json.member("source", source)
      json.member("destination", destination)
    case .rewrote(let report, let source, let destination):
      json.member("message", report.message)
      json.member("changed", report.changed.words.joined(separator: " "))
      json.member("left", report.left.words.joined(separator: " "))
      json.member("source", source)
      json.member("destination", destination)
    case .rebooted(let outside): if let outside { json.member("outside", "\(outside)") }
    }
  }
}
