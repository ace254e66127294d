import SIPComposition
import SIPMessage
import SIPTransaction
import SansIO

/// A body for INFO in its legacy form, without a package (RFC 6086 §9.1: application/dtmf-relay was in use before there were any).
public struct InfoBody: Hashable, Sendable {
  public var contentType: String
  public var bytes: Bytes

  public init(_ contentType: String, _ bytes: Bytes) { (self.contentType, self.bytes) = (contentType, bytes) }
}

/// An INFO of ours that waits for its final response.
struct Information {
  var body: InfoBody
  /// The answer to a challenge.
  var credentials: HeaderField?
}

// INFO within the dialog (RFC 6086 §4.2.1), one at a time: its owner sends the next one when the answer is there.
extension Conversation {
  func inform(_ body: InfoBody, _ turn: inout Turn) {
    guard isEstablished, information == nil else { return turn.report(.infoAnswered(id, status: nil)) }
    information = Information(body: body)
    send(.info, &turn)
  }

  func transmitInfo(_ turn: inout Turn) {
    guard isLive, let information, var draft = path.dialog?.nextRequest(.info) else { return infoFailed(&turn) }
    if let credentials = information.credentials { draft.append([credentials]) }
    draft.setBody(information.body.bytes, contentType: information.body.contentType)
    let flow = path.nextFlow(stack, id, &turn)
    _ = stack.send(
      draft, on: flow, label: Label(.request(.info), dialog: id.rawValue, sequence: draft.sequence), for: .info(id), &turn)
  }

  /// A challenge is answered once (RFC 3261 §22.2). What ends a dialog is left to the BYE that follows (RFC 5057 §5.1).
  func receiveInfoResponse(_ status: Int, _ response: SIPMessage, _ turn: inout Turn) {
    guard status >= 200, information != nil else { return }
    if status == 401 || status == 407, isLive, information?.credentials == nil,
      let answer = answerChallenge(response, .info, isNew: true)
    {
      information?.credentials = answer
      return send(.info, &turn)
    }
    information = nil
    turn.report(.infoAnswered(id, status: status))
  }

  func infoFailed(_ turn: inout Turn) {
    guard information != nil else { return }
    information = nil
    turn.report(.infoAnswered(id, status: nil))
  }
}
