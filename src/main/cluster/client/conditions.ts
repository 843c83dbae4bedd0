export { findCondition, hasCondition, removeCondition, setCondition } from '../conditions';
