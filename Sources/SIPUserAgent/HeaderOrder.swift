import SIPMessage

/// The order in which a product writes the header fields of one kind of message.
public struct HeaderOrder: Hashable, Sendable, Codable {
  public enum Kind: Hashable, Sendable, Codable {
    /// Requests that have no order of their own.
    case requests
    case request(SIPMethod)
    /// Responses that have no order of their own.
    case responses
    /// Responses to this method, outside dialogs.
    case responsesTo(SIPMethod)
    /// A 2xx to an initial INVITE that had a provisional response above 100.
    case successAfterProvisional
    case reinviteResponses
    /// Responses that a stack gives without asking its application: they make no dialog.
    case stackResponses

    var fallback: Kind {
      switch self {
      case .requests, .request: .requests
      case .responses, .responsesTo, .successAfterProvisional, .reinviteResponses, .stackResponses: .responses
      }
    }
  }

  public var kind: Kind
  /// A name may stand several times: its second field goes to the second place.
  public var names: [String]

  public init(_ kind: Kind, _ names: [String]) {
    self.kind = kind
    self.names = names
  }
}

/// The orders of one style, ready for use.
struct HeaderOrders {
  private var names: [HeaderOrder.Kind: [HeaderName]] = [:]

  init(_ orders: [HeaderOrder]) {
    for order in orders { names[order.kind] = order.names.map { HeaderName($0) } }
  }

  func names(_ kind: HeaderOrder.Kind) -> [HeaderName]? { names.isEmpty ? nil : names[kind] ?? names[kind.fallback] }

  /// Fields in this order; those it does not name stand before Content-Type and Content-Length, as they were built.
  static func sorted(_ fields: [MessageDraft.Field], by names: [HeaderName]) -> [MessageDraft.Field] {
    var places: [HeaderName: [Int]] = [:]
    for (place, name) in names.enumerated() { places[name, default: []].append(place) }
    let others = names.firstIndex { $0 == .contentType || $0 == .contentLength } ?? names.count
    var seen: [HeaderName: Int] = [:]
    let ranked = fields.enumerated().map { offset, field -> (rank: Int, offset: Int) in
      guard let own = places[field.name], let last = own.last else { return (2 * others, offset) }
      let count = seen[field.name, default: 0]
      seen[field.name] = count + 1
      return (2 * (own.indices.contains(count) ? own[count] : last) + 1, offset)
    }
    return ranked.sorted { ($0.rank, $0.offset) < ($1.rank, $1.offset) }.map { fields[$0.offset] }
  }
}
