import Rules
import SIPMessage
import SansIO
import WireReader

/// A response goes back on the connection of its request while that is open (RFC 3261 §18.2.2).
struct ResponseConnection: DialogCheck {
  var rule: Rule { .responseConnection }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.strayedResponses.map { response in
      Remark(
        rule,
        "\(response.status) to \(response.method.token) from \(response.source) goes to \(response.destination) on another connection "
          + "than the request in frame \(response.request.frame), whose connection is open", response.stamp, by: response.source)
    }
  }
}

/// Requests within a dialog use the connection that there is (RFC 5923 §1).
struct NeedlessConnection: DialogCheck {
  var rule: Rule { .needlessConnection }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.newConnections.map { new in
      Remark(
        rule,
        "\(new.method.token) from \(new.source) goes to \(new.destination) on a connection of its own, although the one from port "
          + "\(new.former.port) is open", new.stamp, by: new.source)
    }
  }
}

/// A Contact that is not where its sender is (RFC 3261 §8.1.1.8): right where its sender has several addresses, so that it is worth a note.
/// Who answers may be behind a proxy that did not stay on the way: of its Contact is spoken where the ACK does not go there.
struct ContactPlace: DialogCheck {
  var rule: Rule { .contactElsewhere }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let invite = story.decisive, let sent = invite.request else { return [] }
    var remarks: [Remark] = []
    if invite.path.isOriginal, invite.path.recordRoutes?.isEmpty == true, let contact = invite.contact,
      let text = Self.difference(contact, invite.source, invite.transport)
    {
      remarks.append(
        Remark(.note, rule.section, "INVITE from \(invite.source) \(text)", sent, by: invite.source))
    }
    if let success = invite.success, success.recordRoutes.isEmpty, let contact = success.contact,
      let text = Self.difference(contact, invite.destination, invite.transport),
      invite.acknowledgements.contains(where: {
        $0.toTag == success.toTag && $0.destination == invite.destination && $0.path.isOriginal && $0.path.routes?.isEmpty == true
      })
    {
      remarks.append(
        Remark(
          .note, rule.section, "\(success.status) to INVITE from \(success.source) \(text), and the ACK goes to where it came from",
          success.first, by: success.source))
    }
    return remarks
  }

  /// Nil where the Contact names the place, or a name that the capture does not resolve.
  private static func difference(_ contact: String, _ place: TransportAddress, _ transport: ObservedTransport) -> String? {
    guard let uri = try? SIPURI(parsing: contact), let address = uri.host.address else { return nil }
    let said = uri.scheme == .sips ? "tls" : uri.parameters["transport"]?.lowercased() ?? "udp"
    // A private one is named by itself.
    if address.isPrivate, !place.address.isPrivate { return nil }
    if address.unmapped != place.address.unmapped { return "has the Contact <\(contact)>, which is another host" }
    if said != transport.rawValue { return "has the Contact <\(contact)>, which is over \(said.uppercased())" }
    return transport == .udp && uri.port ?? 5_060 != place.port ? "has the Contact <\(contact)>, which is another port" : nil
  }
}
