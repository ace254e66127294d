import WireReader

/// What a dialog has at all, looked up once: most have little, and need few checks.
struct StoryTraits: OptionSet {
  let rawValue: Int

  /// A 2xx to INVITE.
  static let success = StoryTraits(rawValue: 1)
  /// Requests within the dialog.
  static let requests = StoryTraits(rawValue: 2)
  static let copies = StoryTraits(rawValue: 4)
  static let cancel = StoryTraits(rawValue: 8)
  static let acknowledgements = StoryTraits(rawValue: 16)
  /// Offers or answers.
  static let descriptions = StoryTraits(rawValue: 32)

  init(rawValue: Int) { self.rawValue = rawValue }

  init(_ conversation: Conversation) {
    var traits: StoryTraits = []
    for transaction in conversation.transactions {
      if transaction.description != nil { traits.insert(.descriptions) }
      if !transaction.isInitial { traits.insert(.requests) }
      if transaction.copies > 1 { traits.insert(.copies) }
      if transaction.method == .cancel { traits.insert(.cancel) }
      if !transaction.acknowledgements.isEmpty { traits.insert(.acknowledgements) }
      for response in transaction.responses {
        if transaction.method == .invite, response.isSuccess { traits.insert(.success) }
        if response.copies > 1 { traits.insert(.copies) }
        if response.description != nil { traits.insert(.descriptions) }
      }
    }
    self = traits
  }
}
