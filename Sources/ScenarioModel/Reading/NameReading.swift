import SansIO

/// The keys of an element of `names:` in `given:`.
enum NameKeys {
  static let host = Key.required("host", .domainName, "The name of a host.")
  static let addresses = Key.required("addresses", .oneOrMore(.address), "Its addresses: A and AAAA records.")
  static let hostShape = MappingShape([host, addresses])

  static let srv = Key.required(
    "srv", .serviceName, "The name of a service: `_sip._udp`, `_sip._tcp` or `_sips._tcp` before the domain (RFC 3263 §4.2).")
  static let target = Key.required("target", .text, "The host that offers it; `.` says that it is not offered at all (RFC 2782).")
  static let port = Key.required("port", .integer(1...65_535), "The port there.")
  static let priority = Key.standard("priority", .integer(0...65_535), "0", "The lowest is tried first.")
  static let weight = Key.standard("weight", .integer(0...65_535), "0", "The share of the requests among those of one priority.")
  static let srvShape = MappingShape([srv, target, port, priority, weight])

  static let naptr = Key.required("naptr", .domainName, "The domain whose services it names.")
  static let service = Key.required(
    "service", .words(["SIP+D2U", "SIP+D2T", "SIPS+D2T"].map { ($0, $0) }), "The transport: UDP, TCP or TLS (RFC 3263 §4.1).")
  static let replacement = Key.required("replacement", .serviceName, "The name of the service, which has SRV records.")
  static let order = Key.standard("order", .integer(0...65_535), "0", "The lowest comes first.")
  static let preference = Key.standard("preference", .integer(0...65_535), "0", "The lowest comes first among those of one order.")
  static let naptrShape = MappingShape([naptr, service, replacement, order, preference])

  static let unanswered = Key.required("unanswered", .domainName, "A name for which the name service never answers.")
  static let unansweredShape = MappingShape([unanswered])

  static let meaning =
    "Each element is a host, a service (SRV), a pointer to services (NAPTR) or a name that stays unanswered. A call to a URI whose host "
    + "the zone knows goes to the servers it names (RFC 3263), and so does what leaves for a name in Contact, Route or Via. "
    + "`sip.kallglot.com` is the endpoint where the zone does not know it."

  /// An element is a host, a service, a pointer to services, or silence.
  static let element = Shape.alternatives([hostShape, srvShape, naptrShape, unansweredShape])
}

extension Scenario {
  /// Reads `names:`.
  mutating func readNames(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    for element in try place.elements() {
      scope.notes.attempt { () throws(SourceProblem) in names += try Self.readName(element, scope) }
    }
  }

  private static func readName(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> [NameGiven] {
    let kinds = ["host", "srv", "naptr", "unanswered"]
    switch try place.pairs().first(where: { kinds.contains($0.key) })?.key {
    case "host":
      let fields = try place.fields(NameKeys.hostShape, scope)
      let name = try fields[NameKeys.host]
      return try fields[NameKeys.addresses].map { NameGiven(name, $0.isIPv6 ? .aaaa : .a, .address($0)) }
    case "srv":
      let fields = try place.fields(NameKeys.srvShape, scope)
      let value = NameRecord.Value.srv(
        priority: UInt16(try fields[NameKeys.priority]), weight: UInt16(try fields[NameKeys.weight]),
        port: UInt16(try fields[NameKeys.port]), target: try fields[NameKeys.target].lowercased())
      return [NameGiven(try fields[NameKeys.srv], .srv, value)]
    case "naptr":
      let fields = try place.fields(NameKeys.naptrShape, scope)
      let value = NameRecord.Value.naptr(
        order: UInt16(try fields[NameKeys.order]), preference: UInt16(try fields[NameKeys.preference]), flags: "s",
        service: try fields[NameKeys.service], replacement: try fields[NameKeys.replacement])
      return [NameGiven(try fields[NameKeys.naptr], .naptr, value)]
    case "unanswered":
      let name = try place.fields(NameKeys.unansweredShape, scope)[NameKeys.unanswered]
      return [NameQuestion.Kind.naptr, .srv, .a, .aaaa].map { NameGiven(name, $0, nil) }
    default: throw place.problem("a record of the zone has one of the keys \(kinds.joined(separator: ", "))")
    }
  }
}

extension ValueType where Value == String {
  /// In lower case: names have none (RFC 4343).
  static var domainName: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      let text = try place.text().lowercased()
      let labels = text.split(separator: ".", omittingEmptySubsequences: false)
      let isName = labels.allSatisfy { label in
        (1...63).contains(label.utf8.count)
          && label.utf8.allSatisfy { $0 == 45 || $0 == 95 || (48...57).contains($0) || (97...122).contains($0) }
      }
      guard isName, labels.count > 1 else { throw place.problem("'\(text)' is not a domain name such as trunk.example.com") }
      return text
    }
  }

  /// The name that SRV records have.
  static var serviceName: ValueType {
    ValueType(.text) { (place, scope) throws(SourceProblem) in
      let text = try place.text().lowercased()
      let services = ["_sip._udp.", "_sip._tcp.", "_sips._tcp."]
      guard services.contains(where: { text.hasPrefix($0) }) else {
        throw place.problem("'\(text)' is not the name of a SIP service: \(services.map { "\($0)DOMAIN" }.joined(separator: ", "))")
      }
      return try domainName.read(place, scope)
    }
  }
}
