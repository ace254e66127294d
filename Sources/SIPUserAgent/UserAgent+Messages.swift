import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// Building and sending messages in this user agent's style (RFC 3261 §8.1.1, §8.2.6, §12.2.1.1).
extension UserAgent {
  /// The parts of Via and Contact that depend on the flow alone.
  struct FlowTexts {
    var via: String
    /// What stands behind the user.
    var contact: String
    /// The same in a sips URI.
    var secureContact: String
  }

  /// What a refusal says beside its status while the machine asks for it.
  struct Refusal {
    var reason: String?
    var fields: [MessageDraft.Field]
  }

  // MARK: - Requests

  /// Via first, Max-Forwards, product; then the style's order and spacing.
  func finish(_ draft: MessageDraft, _ method: SIPMethod, branch: String, flow: Flow, at now: Instant) -> MessageDraft {
    var draft = draft
    draft.prepend(.maxForwards, method == .options ? String(configuration.style.options.maxForwards) : "70")
    draft.prepend(.via, via(branch: branch, flow: flow))
    if let product = configuration.style.product { draft.append(.userAgent, product) }
    appendStyledHeaders(to: &draft, method, status: nil, own: draft.first(.from), flow, at: now)
    spell(&draft, .request(method))
    return draft
  }

  private func appendStyledHeaders(
    to draft: inout MessageDraft, _ method: SIPMethod, status: Int?, own: String?, _ flow: Flow, at now: Instant
  ) {
    guard !configuration.style.headers.isEmpty else { return }
    draft.fields += mint.headers(
      for: StyledHeader.Place(
        method: method, status: status, callID: draft.first(.callID) ?? "",
        user: own.flatMap { try? NameAddress(parsing: $0).uri.user } ?? "",
        ip: Self.hostText(flow.local.address), unixSeconds: epoch.unixNanoseconds(at: now) / 1_000_000_000))
  }

  private func via(branch: String, flow: Flow) -> String {
    let style = configuration.style
    var value = flowTexts(flow).via
    value += style.rportBeforeBranch ? ";rport;branch=" : ";branch="
    value += branch
    if !style.rportBeforeBranch { value += ";rport" }
    if style.aliasOnStreams, flow.transport.isReliable { value += ";alias" }
    return value
  }

  /// What Via and Contact say of a flow; the last one is kept, since a host writes them again and again.
  private func flowTexts(_ flow: Flow) -> FlowTexts {
    if lastFlowTexts.transport == flow.transport, lastFlowTexts.local == flow.local, let texts = lastFlowTexts.texts { return texts }
    let host = configuration.contactHost ?? Self.hostText(flow.local.address)
    let name = configuration.style.contactTransportIsUpperCase ? flow.transport.viaToken : flow.transport.rawValue
    // A connection that is not open yet has no port, and where none of ours listens the default stands for it (RFC 3261 §19.1.2).
    let port = contactPort(flow)
    let hostPort = port == 0 ? host : "\(host):\(port)"
    let parameter = flow.transport == .udp ? "" : ";transport=\(name)"
    let texts = FlowTexts(
      via: "SIP/2.0/\(flow.transport.viaToken) \(transport.viaSentBy(for: flow))", contact: "\(hostPort)\(parameter)",
      secureContact: host + (securePort(flow).map { ":\($0)" } ?? ""))
    lastFlowTexts = (flow.transport, flow.local, texts)
    return texts
  }

  /// - Parameters:
  ///   - parameters: inside the URI, with their semicolon.
  ///   - isOfCall: it gets the parameters that this product's Contacts of calls have.
  ///   - isSecure: a sips URI, without a transport parameter (RFC 5630 §3.1.4).
  func appendContact(
    to draft: inout MessageDraft, user: String?, flow: Flow, parameters: String = "", isOfCall: Bool = true, isSecure: Bool
  ) {
    draft.append(.contact, contactValue(user: user, flow: flow, parameters: parameters, isOfCall: isOfCall, isSecure: isSecure))
  }

  func contactValue(user: String?, flow: Flow, parameters: String = "", isOfCall: Bool = true, isSecure: Bool) -> String {
    var value = isSecure ? "<sips:" : "<sip:"
    if let user {
      value += user
      value += "@"
    }
    value += isSecure ? flowTexts(flow).secureContact : flowTexts(flow).contact
    value += parameters
    value += ">"
    if isOfCall { value += configuration.style.contactParameters }
    return value
  }

  /// The user part of our Contact in a call that somebody else began; `user` is how they called us.
  func answeringContactUser(_ user: String?) -> String? {
    configuration.style.answersWithContactUser ? configuration.style.contactUser ?? user : nil
  }

  /// The port peers can reach us at: the listener's, since a connection that we opened has a port nobody listens on.
  private func contactPort(_ flow: Flow) -> UInt16 {
    transport.listeners.first { $0.transport == flow.transport && $0.address.address == flow.local.address }?.address.port
      ?? transport.listeners.first { $0.transport == flow.transport }?.address.port ?? flow.local.port
  }

  /// The port of our TLS listener at the flow's address; nil where none listens: then the default stands for it.
  private func securePort(_ flow: Flow) -> UInt16? {
    let secure = transport.listeners.filter { $0.transport == .tls }
    return (secure.first { $0.address.address == flow.local.address } ?? secure.first)?.address.port
  }

  static func hostText(_ address: IPAddress) -> String { address.isIPv6 ? "[\(address)]" : address.description }

  /// Allow and Supported of a request.
  func appendCapabilities(to draft: inout MessageDraft) {
    draft.append(.allow, allowValue)
    for value in supportedInRequests { draft.append(.supported, value) }
  }

  /// A request within a dialog, without Via.
  func inDialogDraft(_ method: SIPMethod, _ dialog: Dialog, sequence: UInt32) -> MessageDraft {
    let (uri, routes) = dialog.requestPath
    var draft = MessageDraft(request: method, uri: uri.description)
    for route in routes { draft.append(.route, route.description) }
    draft.append(.from, dialog.local)
    draft.append(.to, dialog.remote)
    draft.append(.callID, dialog.callID)
    draft.append(.cseq, "\(sequence) \(method.token)")
    return draft
  }

  func sendBye(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id], var dialog = usage.dialog else { return }
    let sequence = dialog.nextSequence()
    usage.dialog = dialog
    let label = Label(.request(.bye), dialog: id.rawValue, sequence: sequence)
    var draft = inDialogDraft(.bye, dialog, sequence: sequence)
    draft.fields += usage.byeFields
    if let credentials = usage.byeCredentials { draft.fields.append(credentials) }
    let client = sendRequest(draft, method: .bye, on: inDialogFlow(usage, at: now, &out), label: label, at: now, &out)
    purposes[client] = .bye(id)
  }

  // MARK: - Responses

  /// A response with the fields every response copies (RFC 3261 §8.2.6.2) and those of this product.
  func responseDraft(to request: SIPMessage, status: Int, reason: String? = nil, toTag: String?, flow: Flow) -> MessageDraft {
    var draft = MessageDraft.response(to: request, status: status, reason: reason, toTag: toTag, receivedFrom: flow.remote)
    if let product = configuration.style.product { draft.append(.server, product) }
    if configuration.style.reactions.answersToSourcePort { ResponseVia.addSource(flow.remote, to: &draft) }
    if configuration.style.rewritesVia { ResponseVia.rewrite(&draft) }
    guard request.method == .invite || request.method == .options else { return draft }
    let style = configuration.style
    // RFC 3261 §12.1.1: Record-Route of the request goes into the response that makes the dialog.
    if (101...299).contains(status) {
      for route in request.all(.recordRoute) { draft.append(.recordRoute, route.text) }
      if request.method == .invite || style.options.answerHasContact {
        appendContact(to: &draft, user: answeringContactUser(localUser(of: request)), flow: flow, isSecure: request.wantsSecureContact)
      }
      draft.append(.allow, allowValue)
      if status >= 200 || style.supportedInProvisionals { for value in supportedInResponses { draft.append(.supported, value) } }
    } else if status == 487, style.allowInTerminated {
      draft.append(.allow, allowValue)
    }
    return draft
  }

  private func localUser(of request: SIPMessage) -> String? { (try? request.to())?.uri.user }

  /// Sends a response of a server transaction in this product's spelling.
  func respond(
    _ server: ServerID, _ draft: MessageDraft, status: Int, to request: SIPMessage, on flow: Flow, leg: LegID?,
    kind: HeaderOrder.Kind = .responses, at now: Instant
  ) {
    var draft = draft
    complete(&draft, status: status, to: request, on: flow, kind, at: now)
    let cseq = try? request.cseq()
    let label = Label(
      .response(status: UInt16(clamping: status), request.method?.label ?? .other), dialog: leg?.rawValue ?? 0,
      sequence: cseq?.number ?? 0)
    if status >= 300 {
      let refused = RefusedRequest(request, draft, on: flow)
      if request.method == .invite { unacknowledged[server] = (status, refused.callID) }
      events.append(.requestRefused(leg ?? request.toTag.flatMap { legsByTag[$0] }, refused))
    }
    transactions.respond(server, draft, status: status, label: label, at: now, &transactionOutputs)
  }

  /// The product's own fields, order and spacing.
  func complete(_ draft: inout MessageDraft, status: Int, to request: SIPMessage, on flow: Flow, _ kind: HeaderOrder.Kind, at now: Instant)
  {
    if let method = request.method {
      appendStyledHeaders(to: &draft, method, status: status, own: request.first(.to)?.text, flow, at: now)
    }
    spell(&draft, kind)
  }

  /// Answers a request without asking the party.
  func refuseOutright(
    _ server: ServerID, _ request: SIPMessage, _ flow: Flow, status: Int, reason: String? = nil, fields: [MessageDraft.Field] = [],
    at now: Instant
  ) {
    var draft = responseDraft(to: request, status: status, reason: reason, toTag: replyTag(request), flow: flow)
    draft.fields += fields
    respond(server, draft, status: status, to: request, on: flow, leg: nil, kind: .stackResponses, at: now)
  }

  /// The To tag of a response that makes no dialog; nil when the request has one.
  func replyTag(_ request: SIPMessage) -> String? {
    guard request.toTag == nil else { return nil }
    if configuration.style.takesBranchAsTag, let branch = try? request.via().branch { return branch }
    return mint.tag()
  }

  // MARK: - Spelling

  func spell(_ draft: inout MessageDraft, _ kind: HeaderOrder.Kind) {
    let spaces = configuration.style.contentLengthSpaces
    let names = orders.names(kind)
    if names != nil || spaces != [1, 1], draft.first(.contentLength) == nil {
      var length = MessageDraft.Field(.contentLength, String(draft.body.count))
      if let width = draft.body.isEmpty ? spaces.last : spaces.first { length.separator = ":" + String(repeating: " ", count: width) }
      draft.fields.append(length)
    }
    if let names { draft.fields = HeaderOrders.sorted(draft.fields, by: names) }
  }

  // MARK: - Ends

  /// Several Reason lines are one list (RFC 3326 §2: one value a protocol).
  func tellReason(_ id: LegID, _ message: SIPMessage) {
    let values = message.all(.reason).map(\.text)
    if !values.isEmpty { events.append(.reason(id, values.joined(separator: ", "))) }
  }

  func byeReceived(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    switch usages[id]?.role {
    case .caller: handleCaller(id, .bye, nil, at: now, &out)
    case .callee: handleCallee(id, .bye, at: now, &out)
    case nil: break
    }
  }

  func byeCompleted(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    switch usages[id]?.role {
    case .caller: handleCaller(id, .byeCompleted, nil, at: now, &out)
    case .callee: handleCallee(id, .byeCompleted, at: now, &out)
    case nil: break
    }
  }

  func end(_ id: LegID, _ reason: LegEnd) {
    guard let usage = usages.removeValue(forKey: id) else { return }
    legsByTag[usage.localTag] = nil
    deadlines.remove(id)
    keepRemains(id, usage)
    events.append(.ended(id, reason))
  }
}
